namespace Presence.Core.Log.Simulated;

/// <summary>The group coordinators: positions, and who is a member.</summary>
public sealed partial class SimulatedCluster
{
    private sealed class Group
    {
        public Dictionary<TopicPartition, (long Offset, long At)> Offsets { get; } = [];

        public List<Member> Members { get; } = [];
    }

    /// <summary>A member of a group, as the coordinator sees it.</summary>
    internal sealed class Member(string instanceId)
    {
        public string InstanceId { get; } = instanceId;

        public long SeenAt { get; set; }

        public bool IsFenced { get; set; }

        public bool IsLeader { get; set; }
    }

    private readonly SortedDictionary<string, Group> _groups = new(StringComparer.Ordinal);

    /// <summary>Told of each position as it becomes valid: group, partition, offset.</summary>
    public Action<string, TopicPartition, long>? OnOffsetCommitted { get; set; }

    /// <summary>The committed position of a group; null where there is none.</summary>
    public long? CommittedOffset(string group, TopicPartition partition) =>
        _groups.TryGetValue(group, out Group? g) && g.Offsets.TryGetValue(partition, out var known) ? known.Offset : null;

    /// <summary>Whether a transaction holds a position of the group that is not decided yet.</summary>
    public bool IsUnstable(string group, TopicPartition partition) =>
        _coordinated.Values.Any(c => c.Offsets.Exists(o => o.Group == group && o.Partition == partition));

    private void CommitOffset(string group, TopicPartition partition, long offset)
    {
        GroupOf(group).Offsets[partition] = (offset, World.Now);
        World.Note(group, partition.Partition, offset);
        OnOffsetCommitted?.Invoke(group, partition, offset);
    }

    private void ExpireOffsets()
    {
        foreach ((string name, Group group) in _groups)
        {
            foreach ((TopicPartition partition, (_, long at)) in group.Offsets.ToList())
            {
                if (World.Now - at <= (long)Options.OffsetsRetention.TotalMicroseconds || IsUnstable(name, partition))
                    continue;
                group.Offsets.Remove(partition);
                World.Faults.Note(SimulatedFault.OffsetsExpired);
            }
        }
    }

    /// <summary>A static member joins: one of the same instance id is fenced, and its place is taken.</summary>
    internal Member Join(string group, string instanceId)
    {
        Group g = GroupOf(group);
        DropExpired(g);
        Member joining = new(instanceId) { SeenAt = World.Now };
        if (g.Members.Find(m => m.InstanceId == instanceId) is { } old)
        {
            old.IsFenced = true;
            joining.IsLeader = old.IsLeader;
            g.Members.Remove(old);
        }

        g.Members.Add(joining);
        Elect(g);
        return joining;
    }

    /// <summary>A member's heartbeat; false when its session has expired.</summary>
    internal bool Beat(string group, Member member)
    {
        Group g = GroupOf(group);
        member.SeenAt = World.Now;
        DropExpired(g);
        Elect(g);
        return g.Members.Contains(member);
    }

    /// <summary>A member leaves.</summary>
    internal void Leave(string group, Member member)
    {
        Group g = GroupOf(group);
        g.Members.Remove(member);
        Elect(g);
    }

    private Group GroupOf(string name)
    {
        if (!_groups.TryGetValue(name, out Group? group))
            _groups.Add(name, group = new Group());
        return group;
    }

    private void DropExpired(Group group)
    {
        foreach (Member member in group.Members)
        {
            if (World.Now - member.SeenAt > (long)Options.SessionTimeout.TotalMicroseconds)
                member.IsLeader = false;
        }

        group.Members.RemoveAll(m => World.Now - m.SeenAt > (long)Options.SessionTimeout.TotalMicroseconds);
    }

    private static void Elect(Group group)
    {
        if (group.Members.Count > 0 && !group.Members.Exists(m => m.IsLeader))
            group.Members[0].IsLeader = true;
    }
}
