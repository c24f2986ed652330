using System.Buffers.Binary;

namespace Presence.Core.Stages.Enrichment;

/// <summary>
/// What enrichment knows of one device: its contact per business, those replaced lately, walk-ins that wait for a
/// login, and visits that are out. One instance is loaded again and again.
/// <code>
/// version(1)=1 | timer(8) | mappings(2) waiting(2) done(2)
/// per mapping: business(text) contact(text) email(text) name(text) at(8) replacedAt(8)
/// per waiting: visit(text) business(text) venue(text) at(8) firstSeen(8) since(8)
/// per done:    visit(text) until(8)
/// </code>
/// replacedAt: the replacing login's time, long.MaxValue for the one in force. since: wall clock at which the wait
/// began, ms. until: the last moment of the clock at which the visit is remembered. Lists are in the order of arrival.
/// </summary>
internal sealed class EnrichmentState
{
    /// <summary>Mappings kept though replaced; what was replaced first goes.</summary>
    public const int HistoryMax = 200;

    /// <summary>Walk-ins that wait; the first one goes.</summary>
    public const int WaitingMax = 500;

    /// <summary>Visits remembered; the first one goes.</summary>
    public const int DoneMax = 500;

    /// <summary>A mapping that is in force.</summary>
    public const long InForce = long.MaxValue;

    private const byte Version = 1;

    public readonly record struct Mapping(TextRange Business, TextRange Contact, TextRange Email, TextRange Name, long At, long ReplacedAt);

    public readonly record struct WalkIn(TextRange Visit, TextRange Business, TextRange Venue, long At, long FirstSeen, long Since);

    public readonly record struct Done(TextRange Visit, long Until);

    public StateTexts Texts { get; } = new();

    public List<Mapping> Mappings { get; } = [];

    public List<WalkIn> Waiting { get; } = [];

    public List<Done> Finished { get; } = [];

    public bool IsEmpty => Mappings.Count == 0 && Waiting.Count == 0 && Finished.Count == 0;

    public static long TimerOf(ReadOnlySpan<byte> value) => BinaryPrimitives.ReadInt64LittleEndian(value[1..]);

    /// <summary>Whether a visit waits or is out.</summary>
    public bool Knows(ReadOnlySpan<byte> visit)
    {
        foreach (Done done in Finished)
        {
            if (Texts.Is(done.Visit, visit))
                return true;
        }

        foreach (WalkIn walkIn in Waiting)
        {
            if (Texts.Is(walkIn.Visit, visit))
                return true;
        }

        return false;
    }

    /// <summary>The mapping in force for a business; -1 when there is none.</summary>
    public int InForceFor(ReadOnlySpan<byte> business)
    {
        for (int i = 0; i < Mappings.Count; i++)
        {
            if (Mappings[i].ReplacedAt == InForce && Texts.Is(Mappings[i].Business, business))
                return i;
        }

        return -1;
    }

    /// <summary>Lets the mapping go that was replaced first, while more than <see cref="HistoryMax"/> are kept so.</summary>
    public void TrimHistory()
    {
        while (true)
        {
            int replaced = 0, first = -1;
            for (int i = 0; i < Mappings.Count; i++)
            {
                if (Mappings[i].ReplacedAt == InForce)
                    continue;
                replaced++;
                if (first < 0 || Mappings[i].ReplacedAt < Mappings[first].ReplacedAt)
                    first = i;
            }

            if (replaced <= HistoryMax)
                return;
            Mappings.RemoveAt(first);
        }
    }

    /// <summary>Takes a stored value; empty: nothing is known.</summary>
    public void Load(ReadOnlySpan<byte> value)
    {
        Texts.Load(value);
        Mappings.Clear();
        Waiting.Clear();
        Finished.Clear();
        if (value.IsEmpty)
            return;
        StateReader reader = new(value, Version);
        reader.Int64();
        int mappings = reader.Int16(), waiting = reader.Int16(), done = reader.Int16();
        for (int i = 0; i < mappings; i++)
            Mappings.Add(new Mapping(reader.Text(), reader.Text(), reader.Text(), reader.Text(), reader.Int64(), reader.Int64()));
        for (int i = 0; i < waiting; i++)
            Waiting.Add(new WalkIn(reader.Text(), reader.Text(), reader.Text(), reader.Int64(), reader.Int64(), reader.Int64()));
        for (int i = 0; i < done; i++)
            Finished.Add(new Done(reader.Text(), reader.Int64()));
    }

    public void Write(StateWriter writer, long timer)
    {
        writer.Reset(Version);
        writer.Int64(timer);
        writer.Int16(Mappings.Count);
        writer.Int16(Waiting.Count);
        writer.Int16(Finished.Count);
        foreach (Mapping mapping in Mappings)
        {
            writer.Text(Texts[mapping.Business]);
            writer.Text(Texts[mapping.Contact]);
            writer.Text(Texts[mapping.Email]);
            writer.Text(Texts[mapping.Name]);
            writer.Int64(mapping.At);
            writer.Int64(mapping.ReplacedAt);
        }

        foreach (WalkIn walkIn in Waiting)
        {
            writer.Text(Texts[walkIn.Visit]);
            writer.Text(Texts[walkIn.Business]);
            writer.Text(Texts[walkIn.Venue]);
            writer.Int64(walkIn.At);
            writer.Int64(walkIn.FirstSeen);
            writer.Int64(walkIn.Since);
        }

        foreach (Done done in Finished)
        {
            writer.Text(Texts[done.Visit]);
            writer.Int64(done.Until);
        }
    }
}
