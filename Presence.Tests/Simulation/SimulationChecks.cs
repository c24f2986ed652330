using System.Text;
using System.Text.Json.Nodes;
using Presence.Core.Assignment;
using Presence.Core.Log;
using Presence.Core.Log.Simulated;
using Presence.Core.Runtime;
using Presence.Core.Stages;
using Presence.Core.Stages.WalkIn;
using Presence.Core.State;
using Presence.Core.State.Simulated;
using Presence.Tests.Definition;
using Presence.Tests.EndToEnd;

namespace Presence.Tests.Simulation;

/// <summary>
/// Looks at the log and the disks as an outsider: what came out against the definitions over whole sets, positions that
/// never go back, one owner of a task after the other, stores that equal what their changelogs say.
/// </summary>
internal sealed class SimulationChecks
{
    // Who may run a task, and the plan that gave it.
    private sealed record Held(string By, ReplicaRole Role, long Since);

    private const long Minute = 60_000;
    private static readonly long LoginWait = (long)new Core.Stages.Enrichment.EnrichedWalkInOptions().LoginWait.TotalMilliseconds;
    private static readonly long CountRearm = (long)new Core.Stages.Counting.WalkInCountOptions().Rearm.TotalMilliseconds;
    private static readonly long Grace = (long)SimulatedTown.WalkIn.LateGrace.TotalMilliseconds;

    private readonly SimulatedCluster _cluster;
    private readonly SimulatedTown _town;
    private readonly SimulatedMachine[] _machines;
    private readonly InstanceOptions _options;
    private readonly Dictionary<(string Group, TopicPartition Partition), long> _positions = [];
    private readonly List<(string Group, TopicPartition Partition)> _inputs = [];

    public SimulationChecks(SimulatedCluster cluster, SimulatedTown town, SimulatedMachine[] machines)
    {
        _cluster = cluster;
        _town = town;
        _machines = machines;
        _options = machines[0].Options;
        foreach (StageDefinition stage in SimulatedTown.Stages)
        {
            foreach (string topic in stage.Inputs)
            {
                for (int p = 0; p < SimulatedTown.Partitions; p++)
                    _inputs.Add(($"{_options.ApplicationId}-{stage.Service}", new TopicPartition(topic, p)));
            }
        }

        cluster.OnOffsetCommitted = OnPosition;
    }

    /// <summary>Small, so that they are met.</summary>
    public static WorkerBounds Bounds { get; } = new() { PollRecordsMax = 40, FeedMax = 25, QueueRecordsMax = 30, QueueRecordsResume = 10, DirtyBytesMax = 4_000 };

    /// <summary>So small that everything happens: what is committed waits for the disk, values leave the cache, timers stay on disk.</summary>
    public static StoreBounds StoreBounds { get; } = new() { WriteInterval = TimeSpan.FromSeconds(2), UnwrittenBytesMax = 3_000, CacheBytesMax = 2_000, TimersMax = 8, RestoreBytesMax = 4_000, RestoreBytesMin = 1_000, FileBytesMin = 600 };

    /// <summary>Of the changelogs' tombstones.</summary>
    public const long DeleteRetentionMs = 60_000;

    /// <summary>No input's queue grows beyond its bound.</summary>
    public static void VerifyMemory(InstanceStatus status)
    {
        foreach (Core.Runtime.TaskStatus task in status.Tasks)
        {
            if (task.WaitingRecords > Bounds.QueueRecordsMax + Bounds.PollRecordsMax)
                throw new SimulationFailureException($"{task.WaitingRecords} records of one input of {task.Task} wait in memory; at most {Bounds.QueueRecordsMax} and one poll of {Bounds.PollRecordsMax} may");
        }
    }

    /// <summary>What the results contained.</summary>
    public Dictionary<string, long> Seen { get; } = [];

    /// <summary>Up to where every group that reads a partition has got; null where none or not all have.</summary>
    public long? ReadByAll(SimulatedPartition partition)
    {
        long? least = null;
        foreach ((string group, TopicPartition input) in _inputs)
        {
            if (input != partition.Id)
                continue;
            if (_cluster.CommittedOffset(group, input) is not { } read)
                return null;
            least = Math.Min(least ?? long.MaxValue, read);
        }

        return least;
    }

    public bool IsWorkedOff() => _cluster.IsQuiet && _inputs.TrueForAll(i => _positions.GetValueOrDefault(i) == _cluster.Find(i.Partition)!.End && !_cluster.IsUnstable(i.Group, i.Partition));

    public string Lagging() => string.Join(", ", _inputs.Where(i => _positions.GetValueOrDefault(i) != _cluster.Find(i.Partition)!.End).Select(i => $"{i.Group} {i.Partition} {_positions.GetValueOrDefault(i)} of {_cluster.Find(i.Partition)!.End} (stable {_cluster.Find(i.Partition)!.StableEnd})"));

    /// <summary>Holds everything against what must be. Throws <see cref="SimulationFailureException"/>.</summary>
    public void Verify(bool onlyOutages)
    {
        List<Sighting> read = ReadInTime();
        HashSet<string> loggedIn = [.. _town.Logins.Select(l => l.Device)];
        List<JsonNode> walkIns = Values(SimulatedTown.Names.WalkIns);
        List<JsonNode> ended = Values(SimulatedTown.Names.VisitsEnded);
        Distinct("walk-ins", walkIns.Select(w => (string)w["visit"]!));
        Distinct("ends of visits", ended.Select(w => (string)w["visit"]!));
        List<DefinedWalkIn> defined = WalkInDefinition.Of(read, OptionsOf, VenueOf);
        Same(
            "walk-ins of devices that did not log in",
            walkIns.Where(w => !loggedIn.Contains((string)w["device"]!)).Select(w => $"{w["venue"]} {w["device"]} at {w["at"]} first {w["firstSeen"]}"),
            defined.Where(w => !loggedIn.Contains(w.Device)).Select(w => $"{w.Venue} {w.Device} at {w.At} first {w.FirstSeen}"));
        Same(
            "ends of visits of devices that did not log in",
            ended.Where(w => !loggedIn.Contains((string)w["device"]!)).Select(w => $"{w["venue"]} {w["device"]} first {w["firstSeen"]} last {w["lastSeen"]}"),
            defined.Where(w => !loggedIn.Contains(w.Device)).Select(w => $"{w.Venue} {w.Device} first {w.FirstSeen} last {w.LastSeen}"));
        Same("visits that ended", ended.Select(e => (string)e["visit"]!), walkIns.Select(w => (string)w["visit"]!));
        VerifyMappings();
        VerifyEnriched(walkIns);
        VerifyCounts();
        Same("garbage", Records(SimulatedTown.Names.DeadLetter).Select(r => Header(r, "presence.partition") + "/" + Header(r, "presence.offset")).Distinct(), Records(SimulatedTown.Names.DeadLetter).Select(r => Header(r, "presence.partition") + "/" + Header(r, "presence.offset")));
        if (Records(SimulatedTown.Names.DeadLetter).Count() != _town.Garbage)
            throw new SimulationFailureException($"{Records(SimulatedTown.Names.DeadLetter).Count()} dead letters, {_town.Garbage} pieces of garbage");
        VerifyOutputs();
        VerifyOwners(onlyOutages);
        VerifyStores();

        Seen["walk-ins"] = walkIns.Count;
        Seen["visits ended by length"] = defined.Count(d => d.EndedByLength);
        Seen["returns"] = WalkInDefinition.Of(read, (b, v) => Without(OptionsOf(b, v), rearm: true), VenueOf).Count - defined.Count;
        Seen["excluded or permanent"] = WalkInDefinition.Of(read.Select(Anonymous), OptionsOf).Count - defined.Count;
        Seen["logins"] = _town.Logins.Count;
        Seen["late"] = _town.Records.Count(r => r.Topic == SimulatedTown.Names.Probes) - _town.Garbage - read.Count;
    }

    /// <summary>The last offset that is committed in each task's changelog; -1 nothing.</summary>
    public IReadOnlyDictionary<SimulatedPartition, long> Committed() => _cluster.Topics
        .Where(t => t.Key.EndsWith("-changelog", StringComparison.Ordinal))
        .SelectMany(t => t.Value.Partitions)
        .ToDictionary(p => p, p => Visible(p).Select(r => r.Offset).DefaultIfEmpty(-1).Last());

    /// <summary>
    /// A store of a task that runs, and whose disk does not know of all that was <paramref name="committed"/> some while
    /// ago, in words; null where there is none: a restart would replay no more than what is young.
    /// </summary>
    public string? Behind(SimulatedDisk disk, InstanceStatus status, IReadOnlyDictionary<SimulatedPartition, long> committed)
    {
        foreach (string task in status.Tasks.Where(t => t.Role == "active").Select(t => t.Task.ToString()))
        {
            SimulatedStoreFile file = disk.Files[task];
            long at = LocalRecord.Read(file.Entries[StoreKeys.Local.ToArray()]).ChangelogOffset;
            long last = committed[ChangelogOf(task)];
            if (at <= last)
                return $"the store of {task} says that it is at changelog offset {at}, but its task has committed up to {last}";
        }

        return null;
    }

    private void OnPosition(string group, TopicPartition partition, long offset)
    {
        long before = _positions.GetValueOrDefault((group, partition));
        if (offset < before)
            throw new SimulationFailureException($"the position of {group} in {partition} goes back from {before} to {offset}");
        _positions[(group, partition)] = offset;
    }

    // The sightings as the walk-in stage reads them; those that are late by the clock of their partition are not there.
    private List<Sighting> ReadInTime()
    {
        long[] clocks = new long[SimulatedTown.Partitions];
        List<Sighting> read = [];
        for (int p = 0; p < SimulatedTown.Partitions; p++)
        {
            foreach (SimulatedRecord record in _cluster.Find(new TopicPartition(SimulatedTown.Names.Probes, p))!.Everything)
            {
                if (Sighting(record) is not { } s || s.At < clocks[p] - Grace)
                    continue;
                clocks[p] = Math.Max(clocks[p], s.At);
                read.Add(s);
            }
        }

        return read;
    }

    private static Sighting? Sighting(SimulatedRecord record)
    {
        try
        {
            JsonNode value = JsonNode.Parse(record.Value!)!;
            string device = (string)value["device"]!;
            return device == Encoding.UTF8.GetString(record.Key!) ? new Sighting((string)value["business"]!, (string)value["venue"]!, device, (long)value["at"]!, (int)value["rssi"]!) : null;
        }
        catch (System.Text.Json.JsonException)
        {
            return null;
        }
    }

    private void VerifyMappings()
    {
        Dictionary<string, JsonNode?> last = [];
        foreach (SimulatedRecord record in Records(SimulatedTown.Names.DeviceToContact))
            last[Encoding.UTF8.GetString(record.Key!)] = record.Value is null ? null : JsonNode.Parse(record.Value);
        Same(
            "contacts of devices",
            last.Where(l => l.Value is not null).SelectMany(l => l.Value!["businesses"]!.AsObject().Select(b => $"{l.Key} {b.Key} {b.Value!["contact"]} {b.Value["at"]}")),
            _town.Logins.GroupBy(l => (l.Device, l.Business)).Select(g => $"{g.Key.Device} {g.Key.Business} {Scenario.ContactOf(g.Key.Device)} {g.Max(l => l.At)}"));
    }

    // Whether a login comes before its walk-in is given up depends on how the stages before got on; what is certain: a
    // contact is never wrong, comes once, and comes where a login was there before the clock could have passed.
    private void VerifyEnriched(List<JsonNode> walkIns)
    {
        List<JsonNode> enriched = Values(SimulatedTown.Names.EnrichedWalkIns);
        Distinct("enriched walk-ins", enriched.Select(e => (string)e["visit"]!));
        Dictionary<string, JsonNode> visits = walkIns.ToDictionary(w => (string)w["visit"]!);
        HashSet<string> given = [];
        foreach (JsonNode e in enriched)
        {
            string visit = (string)e["visit"]!;
            if (!visits.TryGetValue(visit, out JsonNode? w))
                throw new SimulationFailureException($"the enriched walk-in {visit} is none");
            bool mayBe = _town.Logins.Exists(l => l.Device == (string)w["device"]! && l.Business == (string)w["business"]! && l.At <= (long)w["at"]! + LoginWait);
            if (!mayBe || (string)e["contact"]! != Scenario.ContactOf((string)w["device"]!))
                throw new SimulationFailureException($"the walk-in {visit} of {w["device"]} is enriched with {e["contact"]}");
            given.Add(visit);
        }

        int certain = 0;
        for (int p = 0; p < SimulatedTown.Partitions; p++)
        {
            List<(string Device, JsonNode Map, long Clock)> maps = [];
            long clock = long.MinValue;
            foreach (SimulatedRecord record in Visible(_cluster.Find(new TopicPartition(SimulatedTown.Names.DeviceToContact, p))!))
            {
                JsonNode map = JsonNode.Parse(record.Value!)!["businesses"]!;
                clock = Math.Max(clock, map.AsObject().Max(b => (long)b.Value!["at"]!));
                maps.Add((Encoding.UTF8.GetString(record.Key!), map, clock));
            }

            foreach (JsonNode w in walkIns.Where(w => SimulatedTown.PartitionOf((string)w["device"]!) == p))
            {
                long until = (long)w["at"]! + LoginWait;
                // Ten minutes: an idle clock may have run on by the length of the run.
                bool must = maps.Exists(m => m.Device == (string)w["device"]! && m.Map[(string)w["business"]!] is { } b && (long)b["at"]! <= until && m.Clock + (10 * Minute) <= until + Grace);
                certain += must ? 1 : 0;
                if (must && !given.Contains((string)w["visit"]!))
                    throw new SimulationFailureException($"the walk-in {w["visit"]} of {w["device"]} at {w["at"]} has no contact, although its login was there in time");
            }
        }

        Seen["enriched"] = enriched.Count;
        Seen["enriched for certain"] = certain;
    }

    private void VerifyCounts()
    {
        Dictionary<string, List<CountedFact>> read = [];
        foreach (SimulatedRecord record in Records(SimulatedTown.Names.EnrichedWalkIns))
        {
            JsonNode e = JsonNode.Parse(record.Value!)!;
            string key = Encoding.UTF8.GetString(record.Key!);
            if (!read.TryGetValue(key, out List<CountedFact>? facts))
                read.Add(key, facts = []);
            facts.Add(new CountedFact((string)e["visit"]!, (long)e["at"]!, (long)e["firstSeen"]!));
        }

        Same(
            "counts",
            Records(SimulatedTown.Names.WalkInCounts).Select(r => (Key: Encoding.UTF8.GetString(r.Key!), Value: JsonNode.Parse(r.Value!)!)).Select(c => $"{c.Key} {c.Value["count"]}"),
            read.SelectMany(c => CountDefinition.Of(c.Value, CountRearm, CountRearm + LoginWait + Grace).Select((_, i) => $"{c.Key} {i + 1}")));
    }

    // What a stage has emitted is committed together with the position after the record that it came from: with that
    // goes the task's meta record.
    private void VerifyOutputs()
    {
        foreach (StageDefinition stage in SimulatedTown.Stages)
        {
            HashSet<long> decisions = [.. _cluster.Topics[TopicCheck.ChangelogOf(_options, stage)].Partitions.SelectMany(Visible).Select(r => r.Transaction!.DecidedAs)];
            foreach (SimulatedRecord record in stage.Outputs.SelectMany(Records))
            {
                if (record.Transaction is { } transaction && !decisions.Contains(transaction.DecidedAs))
                    throw new SimulationFailureException($"{transaction.TransactionalId} has committed an output of {stage.Name} without the position of what it came from");
            }
        }
    }

    // Whatever was committed to a changelog was committed by the incarnation that the plan in force gave the task to; and
    // no plan gave a task to two.
    private void VerifyOwners(bool onlyOutages)
    {
        List<(long DecidedAs, Dictionary<TaskId, Held> Owners)> plans = [(0, [])];
        ControlState control = new();
        Dictionary<string, SimulatedRecord> kept = [];
        HashSet<Placement> deleting = [];
        SimulatedPartition log = _cluster.Find(new TopicPartition(ControlTopics.ControlOf(_options.ApplicationId), 0))!;
        foreach (var transaction in Visible(log).GroupBy(r => r.Transaction!.DecidedAs))
        {
            long before = control.PlanNumber;
            foreach (SimulatedRecord record in transaction)
            {
                VerifyNumber(record, before);
                control.Apply(record.Key, record.Value, record.Value is not null);
                string key = Encoding.UTF8.GetString(record.Key!);
                if (record.Value is null)
                    kept.Remove(key);
                else
                    kept[key] = record;
            }

            if (control.PlanNumber != before)
                VerifyCompacted(control, kept.Values);
            if (onlyOutages && control.Incarnations.Values.FirstOrDefault(i => i.State == IncarnationState.Condemned && i.Reason.StartsWith("silent", StringComparison.Ordinal) && SpeaksAfter(i.Id, transaction.First().Transaction!.DecidedAt)) is { } condemned)
                throw new SimulationFailureException($"{condemned.InstanceId} was taken for dead ({condemned.Reason}) though nothing but brokers failed");
            if (onlyOutages && control.Incarnations.Values.FirstOrDefault(i => i.State == IncarnationState.Condemned && i.Reason.Contains("is stuck", StringComparison.Ordinal)) is { } stuck)
                throw new SimulationFailureException($"{stuck.InstanceId} said that it is stuck though nothing but brokers failed");
            Dictionary<TaskId, Held> owners = [];
            foreach (Placement placement in control.Shares.Values.SelectMany(s => s.Entries).Where(e => e.Role is ReplicaRole.Active or ReplicaRole.Releasing))
            {
                // What has ended holds nothing; its share says where it should go on.
                if (control.Incarnations.GetValueOrDefault(placement.Incarnation)?.State is not (IncarnationState.Live or IncarnationState.Condemned))
                    continue;
                Held? known = plans[^1].Owners.GetValueOrDefault(placement.Task);
                bool goesOn = known?.By == placement.Incarnation && (placement.Role == known.Role || placement.Role == ReplicaRole.Releasing);
                if (!owners.TryAdd(placement.Task, new Held(placement.Incarnation, placement.Role, goesOn ? known!.Since : control.PlanNumber)))
                    throw new SimulationFailureException($"plan {control.PlanNumber} gives {placement.Task} to {placement.Incarnation}, and {owners[placement.Task].By} has it");
            }

            HashSet<Placement> toDelete = [.. control.Shares.Values.SelectMany(s => s.Entries).Where(e => e.Role == ReplicaRole.Obsolete)];
            foreach (Placement obsolete in toDelete.Except(deleting))
            {
                Seen["copies deleted"] = Seen.GetValueOrDefault("copies deleted") + 1;
                if (!owners.TryGetValue(obsolete.Task, out Held? runs) || runs.By == obsolete.Incarnation || Announced(runs.By, obsolete.Task, transaction.First().Transaction!.DecidedAt, most: true) < 0)
                    throw new SimulationFailureException($"the copy of {obsolete.Task} at {obsolete.Incarnation} is to be deleted by plan {control.PlanNumber}, and nobody else is known to run the task; it belongs to {runs?.By ?? "nobody"}");
            }

            deleting = toDelete;
            foreach ((TaskId task, Held held) in owners)
            {
                if (plans[^1].Owners.GetValueOrDefault(task)?.By != held.By)
                    VerifyReady(task, held.By, control, transaction.First().Transaction!.DecidedAt);
            }

            plans.Add((transaction.Key, owners));
        }

        Seen["plans"] = control.PlanNumber;
        foreach (StageDefinition stage in SimulatedTown.Stages)
        {
            for (int partition = 0; partition < SimulatedTown.Partitions; partition++)
            {
                TaskId task = new(stage.Name, partition);
                foreach (SimulatedTransaction transaction in Visible(ChangelogOf(task.ToString())).Select(r => r.Transaction!).Distinct())
                {
                    int at = plans.FindLastIndex(p => p.DecidedAs < transaction.DecidedAs);
                    Held? owner = plans[at].Owners.GetValueOrDefault(task);
                    if (owner is null || !transaction.TransactionalId.StartsWith($"{_options.ApplicationId}-{owner.By}-", StringComparison.Ordinal))
                        throw new SimulationFailureException($"{transaction.TransactionalId} has committed to {task}, which belongs to {owner?.By ?? "nobody"} by the plan in force");
                    if (HadReleased(owner, task, transaction.DecidedAt))
                        throw new SimulationFailureException($"{owner.By} has committed to {task} after it had said that it has released it");
                }
            }
        }
    }

    // A plan is one more than what the log held before it, in all its parts. Who has read the one before skips one that
    // is not; compaction leaves it to those who read later, mixed with the other.
    private static void VerifyNumber(SimulatedRecord record, long before)
    {
        if (record.Value is null)
            return;
        string key = Encoding.UTF8.GetString(record.Key!);
        long? number = key == PlanHeader.KeyText ? PlanHeader.Read(record.Value)!.Number
            : key.StartsWith(PlanShare.KeyPrefix, StringComparison.Ordinal) ? PlanShare.Read(key[PlanShare.KeyPrefix.Length..], record.Value)!.Number
            : null;
        if (number is not null && number != before + 1)
            throw new SimulationFailureException($"a plan with the number {number} is written after plan {before}: its planner had not read that");
    }

    // Who comes when the control log is compacted to the last record of each key reads what those know who read all.
    private static void VerifyCompacted(ControlState control, IEnumerable<SimulatedRecord> kept)
    {
        ControlState compacted = new();
        foreach (SimulatedRecord record in kept.OrderBy(r => r.Offset))
            compacted.Apply(record.Key, record.Value, hasValue: true);
        if (Lines(compacted) != Lines(control))
            throw new SimulationFailureException($"who reads plan {control.PlanNumber} from a compacted log reads {Lines(compacted)}, and who read it as it came {Lines(control)}");

        static string Lines(ControlState state) => $"{state.PlanNumber}; "
            + string.Join(", ", state.Incarnations.Values.Select(i => $"{i.Id} {i.State}").Order(StringComparer.Ordinal)) + "; "
            + string.Join(", ", state.Shares.Values.SelectMany(s => s.Entries).Select(e => $"{e}").Order(StringComparer.Ordinal));
    }

    // Who is given a task is about as far with its state as the furthest of those that are there.
    private void VerifyReady(TaskId task, string owner, ControlState control, long at)
    {
        long own = -1, furthest = -1;
        foreach (string member in control.Incarnations.Values.Where(i => i.State == IncarnationState.Live).Select(i => i.Id))
        {
            // What others have said a moment ago may not have been heard yet; and copies can be lost.
            long said = Announced(member, task, at, most: member == owner);
            if (member == owner)
                own = said;
            else
                furthest = Math.Max(furthest, said);
        }

        if (own < furthest - _options.AcceptableLag)
            throw new SimulationFailureException($"{task} is given to {owner}, whose copy is at {own}, while another one is at {furthest}");
    }

    // Whether the last that an incarnation had said before a moment (virtual µs) was that it does not hold a task, though
    // it had read the plan that gave it.
    private bool HadReleased(Held held, TaskId task, long moment)
    {
        Announced(held.By, default, 0, most: true);
        List<(long At, Announcement Said)> all = _announced.GetValueOrDefault(held.By, []);
        int last = all.FindLastIndex(a => a.At < SimulatedClock.Epoch.ToUnixTimeMilliseconds() + (moment / 1000));
        return last >= 0 && all[last].Said.AppliedPlan >= held.Since && !all[last].Said.Holds(task);
    }

    // Whether an incarnation lived on after a moment (virtual µs).
    private bool SpeaksAfter(string incarnation, long moment)
    {
        Announced(incarnation, default, 0, most: true);
        return _announced.GetValueOrDefault(incarnation, []).Exists(a => a.At > SimulatedClock.Epoch.ToUnixTimeMilliseconds() + (moment / 1000));
    }

    // The changelog offset of a member's copy as it said in the ten seconds before a moment (virtual µs), the most or
    // the least; -1: none.
    private long Announced(string member, TaskId task, long before, bool most)
    {
        if (_announced.Count == 0)
        {
            foreach (SimulatedRecord record in _cluster.Find(new TopicPartition(ControlTopics.FleetOf(_options.ApplicationId), 0))!.Everything)
            {
                if (Announcement.Read(record.Key, record.Value) is not { } said)
                    continue;
                if (!_announced.TryGetValue(said.Incarnation, out var all))
                    _announced.Add(said.Incarnation, all = []);
                if (all.Count == 0 || all[^1].Said.Sequence < said.Sequence)
                    all.Add((record.Timestamp, said));
            }
        }

        long timestamp = SimulatedClock.Epoch.ToUnixTimeMilliseconds() + (before / 1000);
        List<(long At, Announcement Said)> heard = _announced.GetValueOrDefault(member, []);
        int last = heard.FindLastIndex(a => a.At <= timestamp);
        long found = most ? -1 : long.MaxValue;
        for (int i = last; i >= 0; i--)
        {
            long said = heard[i].Said.Copies.Where(c => c.Task == task).Select(c => c.ChangelogOffset).DefaultIfEmpty(-1).First();
            found = most ? Math.Max(found, said) : Math.Min(found, said);
            if (heard[i].At <= timestamp - 10_000)
                return found;
        }

        return most ? found : -1;
    }

    private readonly Dictionary<string, List<(long At, Announcement Said)>> _announced = [];

    // Each copy, brought to its changelog's end as a takeover would do it, equals all that was ever committed.
    private void VerifyStores()
    {
        foreach (SimulatedDisk disk in _machines.SelectMany(m => m.Disks))
        {
            foreach ((string task, SimulatedStoreFile file) in disk.Files)
                VerifyStore(task, file.Entries);
        }
    }

    private void VerifyStore(string task, SortedDictionary<byte[], byte[]> entries)
    {
        StageDefinition stage = StageOf(task);
        SimulatedPartition changelog = ChangelogOf(task);
        if (!entries.TryGetValue(StoreKeys.Local.ToArray(), out byte[]? local))
            return;
        LocalRecord known = LocalRecord.Read(local);
        long from = known.ChangelogOffset;
        // One that was not kept up for so long is refused when it is opened: tombstones are gone.
        if (SimulatedClock.Epoch.ToUnixTimeMilliseconds() + (_cluster.World.Now / 1000) - known.CurrentAt > DeleteRetentionMs)
            return;
        if (from > changelog.End)
            throw new SimulationFailureException($"the store of {task} stands at {from}, beyond its changelog's end {changelog.End}");
        Dictionary<string, byte[]> found = entries.Where(e => e.Key[0] <= StoreKeys.StatePrefix).ToDictionary(e => Convert.ToHexString(e.Key), e => e.Value);
        HashSet<string> timers = [.. entries.Keys.Where(k => k[0] == StoreKeys.TimerPrefix).Select(Convert.ToHexString)];
        Dictionary<string, byte[]> expected = [];
        foreach (SimulatedRecord record in changelog.Records.Where(r => r.IsVisible && r.Offset >= from))
            Put(found, timers, stage, record);
        foreach (SimulatedRecord record in Visible(changelog))
            Put(expected, null, stage, record);
        Same($"entries of the store of {task}", found.Select(Line), expected.Select(Line));
        foreach ((string key, byte[] value) in found)
        {
            if (key.StartsWith("01", StringComparison.Ordinal) && Timer(key, value, stage) is { } timer && !timers.Contains(timer))
                throw new SimulationFailureException($"the store of {task} has lost a timer");
        }
    }

    private static string Line(KeyValuePair<string, byte[]> entry) => $"{entry.Key}={Convert.ToHexString(entry.Value)}";

    private static void Put(Dictionary<string, byte[]> entries, HashSet<string>? timers, StageDefinition stage, SimulatedRecord record)
    {
        string key = Convert.ToHexString(record.Key!);
        if (record.Value is null)
        {
            entries.Remove(key);
            return;
        }

        entries[key] = record.Value;
        if (timers is not null && record.Key![0] == StoreKeys.StatePrefix && Timer(key, record.Value, stage) is { } timer)
            timers.Add(timer);
    }

    private static string? Timer(string key, byte[] value, StageDefinition stage)
    {
        long time = stage.TimerOf(value);
        if (time == StageDefinition.NoTimer)
            return null;
        byte[] stageKey = Convert.FromHexString(key)[StoreKeys.StateHeader..];
        byte[] timer = new byte[StoreKeys.TimerHeader + stageKey.Length];
        StoreKeys.WriteTimer(timer, time, stageKey);
        return Convert.ToHexString(timer);
    }

    private static StageDefinition StageOf(string task) => SimulatedTown.Stages.Single(s => s.Name == task[..task.LastIndexOf('-')]);

    private SimulatedPartition ChangelogOf(string task) =>
        _cluster.Find(new TopicPartition(Core.Assignment.TopicCheck.ChangelogOf(_options, StageOf(task)), int.Parse(task[(task.LastIndexOf('-') + 1)..], System.Globalization.CultureInfo.InvariantCulture)))!;

    private IEnumerable<SimulatedPartition> Changelogs() => _cluster.Topics.Values.Where(t => t.Name.EndsWith("-changelog", StringComparison.Ordinal)).SelectMany(t => t.Partitions);

    private IEnumerable<SimulatedRecord> Records(string topic) => _cluster.Topics[topic].Partitions.SelectMany(Visible);

    private static IEnumerable<SimulatedRecord> Visible(SimulatedPartition partition) => partition.Everything.Where(r => r.IsVisible && r.Offset < partition.StableEnd);

    private List<JsonNode> Values(string topic) => [.. Records(topic).Select(r => JsonNode.Parse(r.Value!)!)];

    private static string Header(SimulatedRecord record, string name) => Encoding.UTF8.GetString(record.Headers.First(h => h.Name == name).Value);

    private static void Distinct(string what, IEnumerable<string> found)
    {
        HashSet<string> seen = [];
        foreach (string one in found)
        {
            if (!seen.Add(one))
                throw new SimulationFailureException($"{what}: {one} is doubled");
        }
    }

    private static void Same(string what, IEnumerable<string> found, IEnumerable<string> expected)
    {
        Dictionary<string, int> left = expected.CountBy(e => e).ToDictionary();
        List<string> tooMany = [];
        foreach (string one in found)
        {
            if (left.GetValueOrDefault(one) == 0)
                tooMany.Add(one);
            else
                left[one]--;
        }

        List<string> missing = [.. left.Where(l => l.Value > 0).Select(l => l.Key)];
        if (tooMany.Count + missing.Count > 0)
            throw new SimulationFailureException($"{what}: too many: {string.Join(" | ", tooMany.Take(5))}; missing: {string.Join(" | ", missing.Take(5))}");
    }

    private static Sighting Anonymous(Sighting s) => s with { Device = s.Device == "excluded" ? "not-excluded" : s.Device };

    private static VenueOptions? VenueOf(string business, string venue) => SimulatedTown.Venues.FirstOrDefault(v => v.Business == business && v.Venue == venue);

    private static WalkInOptions OptionsOf(string business, string venue)
    {
        VenueOptions? own = VenueOf(business, venue);
        return new WalkInOptions
        {
            SessionGap = SimulatedTown.WalkIn.SessionGap,
            LateGrace = SimulatedTown.WalkIn.LateGrace,
            MaxVisit = own?.MaxVisit ?? SimulatedTown.WalkIn.MaxVisit,
            Rearm = own?.Rearm ?? SimulatedTown.WalkIn.Rearm,
        };
    }

    private static WalkInOptions Without(WalkInOptions options, bool rearm) =>
        new() { SessionGap = options.SessionGap, LateGrace = options.LateGrace, MaxVisit = options.MaxVisit, Rearm = rearm ? TimeSpan.Zero : options.Rearm };
}
