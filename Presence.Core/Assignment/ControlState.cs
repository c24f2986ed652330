using System.Text;

namespace Presence.Core.Assignment;

/// <summary>What the control log says: the fold of its records in the order of the log.</summary>
public sealed class ControlState
{
    private readonly Dictionary<string, Incarnation> _incarnations = [];
    private readonly Dictionary<string, PlanShare> _shares = [];
    private readonly HashSet<string> _doneWith = [];

    /// <summary>The last plan; null before the first.</summary>
    public PlanHeader? Plan { get; private set; }

    /// <summary>Number of the last plan; 0 before the first.</summary>
    public long PlanNumber => Plan?.Number ?? 0;

    /// <summary>The planner's last sign of life; null where there never was one.</summary>
    public PlannerBeat? Planner { get; private set; }

    /// <summary>Signs of life of planners read so far.</summary>
    public long PlannerBeats { get; private set; }

    /// <summary>Incarnations that are not yet done with, by id.</summary>
    public IReadOnlyDictionary<string, Incarnation> Incarnations => _incarnations;

    /// <summary>
    /// Incarnations that are done with, by id: whoever else has heard them, however late, takes none of them in again. As
    /// many as the log still has the end of.
    /// </summary>
    public IReadOnlySet<string> DoneWith => _doneWith;

    /// <summary>What each incarnation is to do, by id.</summary>
    public IReadOnlyDictionary<string, PlanShare> Shares => _shares;

    /// <summary>The key of a record that only a newer version can read; null where there is none.</summary>
    public string? Unreadable { get; private set; }

    /// <summary>Takes the next record of the log.</summary>
    public void Apply(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value, bool hasValue)
    {
        string text = Encoding.UTF8.GetString(key);
        if (text == PlannerBeat.KeyText && hasValue)
        {
            Planner = Known(text, PlannerBeat.Read(value)) ?? Planner;
            PlannerBeats++;
        }
        else if (text == PlanHeader.KeyText && hasValue)
        {
            // Numbers only rise: what comes late is no plan any more.
            if (Known(text, PlanHeader.Read(value)) is { } plan && plan.Number > PlanNumber)
                Plan = plan;
        }
        else if (text.StartsWith(Incarnation.KeyPrefix, StringComparison.Ordinal))
        {
            string id = text[Incarnation.KeyPrefix.Length..];
            if (!hasValue)
            {
                _incarnations.Remove(id);
                _doneWith.Add(id);
            }
            else if (Known(text, Incarnation.Read(id, value)) is { } incarnation)
                _incarnations[id] = incarnation;
        }
        else if (text.StartsWith(PlanShare.KeyPrefix, StringComparison.Ordinal))
        {
            string id = text[PlanShare.KeyPrefix.Length..];
            if (!hasValue)
                _shares.Remove(id);
            else if (Known(text, PlanShare.Read(id, value)) is { } share && share.Number > PlanNumber)
                _shares[id] = share;
        }
    }

    private T? Known<T>(string key, T? read)
        where T : class
    {
        if (read is null)
            Unreadable = key;
        return read;
    }
}
