using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text.Json;
using Presence.Core.Events;

namespace Presence.Core.Stages.WalkIn;

/// <summary>Writes values of <c>walk-ins</c> and <c>visits-ended</c>; the bytes are valid until the next one is written.</summary>
internal sealed class WalkInWriter
{
    private const int VisitBytes = 16;

    private readonly JsonValueWriter _json = new();
    private readonly byte[] _visit = new byte[VisitBytes * 2];

    /// <summary>The device in a state key <c>business|venue|device</c>.</summary>
    public static ReadOnlySpan<byte> Device(ReadOnlySpan<byte> key) => key[(key.LastIndexOf((byte)'|') + 1)..];

    /// <summary><c>{"visit","device","business","venue","at","firstSeen","rssi","randomized"?}</c></summary>
    public ReadOnlySpan<byte> WalkIn(ReadOnlySpan<byte> key, Run run, long at)
    {
        Utf8JsonWriter json = Begin(key, run.EmittedFirst);
        json.WriteNumber("at"u8, at);
        json.WriteNumber("firstSeen"u8, run.EmittedFirst);
        json.WriteNumber("rssi"u8, run.MaxRssi);
        if (run.Randomized)
            json.WriteBoolean("randomized"u8, true);
        return _json.End();
    }

    /// <summary><c>{"visit","device","business","venue","firstSeen","lastSeen","dwellSeconds"}</c></summary>
    public ReadOnlySpan<byte> VisitEnded(ReadOnlySpan<byte> key, Run run)
    {
        Utf8JsonWriter json = Begin(key, run.EmittedFirst);
        json.WriteNumber("firstSeen"u8, run.EmittedFirst);
        json.WriteNumber("lastSeen"u8, run.Last);
        json.WriteNumber("dwellSeconds"u8, (run.Last - run.EmittedFirst) / 1000);
        return _json.End();
    }

    private Utf8JsonWriter Begin(ReadOnlySpan<byte> key, long firstSeen)
    {
        int first = key.IndexOf((byte)'|');
        int last = key.LastIndexOf((byte)'|');
        Utf8JsonWriter json = _json.Begin();
        json.WriteString("visit"u8, VisitId(key, firstSeen));
        json.WriteString("device"u8, key[(last + 1)..]);
        json.WriteString("business"u8, key[..first]);
        json.WriteString("venue"u8, key[(first + 1)..last]);
        return json;
    }

    // 128 bits of SHA-256 over key and firstSeen, in hex: the same visit has the same id wherever it is computed.
    private ReadOnlySpan<byte> VisitId(ReadOnlySpan<byte> key, long firstSeen)
    {
        Span<byte> text = stackalloc byte[(3 * Utf8Text.IdBytesMax) + 2 + 21];
        key.CopyTo(text);
        text[key.Length] = (byte)'|';
        Utf8Formatter.TryFormat(firstSeen, text[(key.Length + 1)..], out int digits);
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(text[..(key.Length + 1 + digits)], hash);
        Convert.TryToHexStringLower(hash[..VisitBytes], _visit, out _);
        return _visit;
    }
}
