using System.Buffers.Binary;

namespace Presence.Core.Stages.Enrichment;

/// <summary>
/// What enrichment knows of one device: its contacts per business, those replaced lately, walk-ins that wait for a
/// login, and visits that are out.
/// <code>
/// version(1)=1 | timer(8) | mappings(2) | waiting(2) | done(2)
/// per mapping: business(text) contact(text) email(text) name(text) at(8) replacedAt(8)
/// per waiting: visit(text) business(text) venue(text) at(8) firstSeen(8) since(8)
/// per done:    visit(text) at(8)
/// </code>
/// replacedAt: the replacing login's time, long.MaxValue for the one in force. since: wall clock at which the wait began, ms.
/// </summary>
internal sealed class EnrichmentState
{
    /// <summary>Bound of each list; what is oldest goes.</summary>
    public const int EntriesMax = 1000;

    /// <summary>A mapping that is in force.</summary>
    public const long InForce = long.MaxValue;

    private const byte Version = 1;

    public sealed class Mapping
    {
        public byte[] Business = [];
        public byte[] Contact = [];
        public byte[] Email = [];
        public byte[] Name = [];
        public long At;
        public long ReplacedAt = InForce;
    }

    public sealed class WalkIn
    {
        public byte[] Visit = [];
        public byte[] Business = [];
        public byte[] Venue = [];
        public long At;
        public long FirstSeen;
        public long Since;
    }

    public long Timer { get; set; } = StageDefinition.NoTimer;

    public List<Mapping> Mappings { get; } = [];

    public List<WalkIn> Waiting { get; } = [];

    public List<(byte[] Visit, long At)> Done { get; } = [];

    public bool IsEmpty => Mappings.Count == 0 && Waiting.Count == 0 && Done.Count == 0;

    public static long TimerOf(ReadOnlySpan<byte> value) => BinaryPrimitives.ReadInt64LittleEndian(value[1..]);

    public static EnrichmentState Read(ReadOnlySpan<byte> value)
    {
        StateReader reader = new(value, Version);
        EnrichmentState state = new() { Timer = reader.Int64() };
        int mappings = reader.Int16(), waiting = reader.Int16(), done = reader.Int16();
        for (int i = 0; i < mappings; i++)
            state.Mappings.Add(new Mapping { Business = reader.Text(), Contact = reader.Text(), Email = reader.Text(), Name = reader.Text(), At = reader.Int64(), ReplacedAt = reader.Int64() });
        for (int i = 0; i < waiting; i++)
            state.Waiting.Add(new WalkIn { Visit = reader.Text(), Business = reader.Text(), Venue = reader.Text(), At = reader.Int64(), FirstSeen = reader.Int64(), Since = reader.Int64() });
        for (int i = 0; i < done; i++)
            state.Done.Add((reader.Text(), reader.Int64()));
        return state;
    }

    public void Write(StateWriter writer)
    {
        writer.Reset(Version);
        writer.Int64(Timer);
        writer.Int16(Mappings.Count);
        writer.Int16(Waiting.Count);
        writer.Int16(Done.Count);
        foreach (Mapping mapping in Mappings)
        {
            writer.Text(mapping.Business);
            writer.Text(mapping.Contact);
            writer.Text(mapping.Email);
            writer.Text(mapping.Name);
            writer.Int64(mapping.At);
            writer.Int64(mapping.ReplacedAt);
        }

        foreach (WalkIn walkIn in Waiting)
        {
            writer.Text(walkIn.Visit);
            writer.Text(walkIn.Business);
            writer.Text(walkIn.Venue);
            writer.Int64(walkIn.At);
            writer.Int64(walkIn.FirstSeen);
            writer.Int64(walkIn.Since);
        }

        foreach ((byte[] visit, long at) in Done)
        {
            writer.Text(visit);
            writer.Int64(at);
        }
    }
}
