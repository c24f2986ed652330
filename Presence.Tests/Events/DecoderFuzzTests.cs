using System.Diagnostics;
using System.Globalization;
using System.Text;
using Presence.Core.Events;
using Presence.Core.Log;

namespace Presence.Tests.Events;

/// <summary>Whatever the bytes: a verdict, never an exception. The seed is in the output.</summary>
[Parallelizable(ParallelScope.All)]
internal sealed class DecoderFuzzTests
{
    private const int Records = 1_000_000;

    // What replaces or is put between pieces of a value: other types, limits, and what JSON readers stumble over.
    private static readonly byte[][] Pieces =
    [
        .. new[]
        {
            "null", "true", "false", "0", "-1", "1", "-127", "-128", "1.5", "1e5", "1e400", "-1e-400", "9223372036854775807", "9223372036854775808", "-9223372036854775808",
            "99999999999999999999999999999999999999999999999999", "946684800000", "946684799999", "4102444800000", "4102444800001", "1711000000000", "01", "+1", "NaN", "0x1",
            "\"\"", "\"x\"", "\"a|b\"", "\"a b\"", "\"\\u0000\"", "\"\\ud800\"", "\"\\ud83d\\ude00\"", "\"\\udc00\\ud800\"", "\"\\x\"", "\"\\u12\"", "\"\u2028\"", "\"😀\"", "'x'",
            "{}", "[]", "[1]", "{\"a\":1}", "{\"at\":1}", "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[", "{\"a\":{\"a\":{\"a\":{\"a\":{}}}}}",
            "\"device\":", "\"d\\u0065vice\":", "\"contact\":", "\"at\":", "\"\\u0061t\":", "\"businesses\":{", "\"email\":", "\"name\":", "\"randomized\":", "\"deleted\":", "\"rssi\":",
            ",", ":", "}", "{", "\"", "\\", "\\u", "/*", "//", "\uFEFF", " ", "\n", "\r\n", "\t",
        }.Select(Encoding.UTF8.GetBytes),
        [0xFF], [0x00], [0xC0, 0x80], [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80], [0xE2, 0x82], [0x80],
        Encoding.UTF8.GetBytes($"\"{new string('x', 201)}\""), Encoding.UTF8.GetBytes($"\"{new string('é', 600)}\""),
    ];

    [Test]
    public void A_million_damaged_records_are_judged_without_an_exception()
    {
        int seed = Random.Shared.Next();
        TestContext.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"seed {seed}"));
        Random random = new(seed);
        IReadOnlyList<Decoder> decoders = Decoders.Create();
        (Decoder Decoder, byte[] Key, byte[] Value)[] samples =
        [
            .. from record in PublicRecords.WithValue
               join decoder in decoders on record.Topic equals decoder.Topic
               select (decoder, Encoding.UTF8.GetBytes(record.Key), Encoding.UTF8.GetBytes(record.Value!)),
        ];
        Span<byte> value = new byte[8192], key = new byte[1024];
        long[] seen = new long[Enum.GetValues<Breach>().Length];
        long started = Stopwatch.GetTimestamp();
        for (int i = 0; i < Records; i++)
        {
            (Decoder decoder, byte[] sampleKey, byte[] sampleValue) = samples[random.Next(samples.Length)];
            sampleValue.CopyTo(value);
            sampleKey.CopyTo(key);
            int valueLength = sampleValue.Length, keyLength = sampleKey.Length;
            for (int times = 1 + random.Next(3); times > 0; times--)
                valueLength = Damage(random, value, valueLength);
            if (random.Next(16) == 0)
                keyLength = Damage(random, key, keyLength);
            LogRecord record = new()
            {
                Offset = i,
                Timestamp = random.Next(4) == 0 ? random.NextInt64(long.MinValue, long.MaxValue) : 1_700_000_000_000,
                Key = key[..keyLength],
                HasKey = random.Next(256) != 0,
                Value = value[..valueLength],
                HasValue = random.Next(64) != 0,
            };
            Decoded decoded;
            try
            {
                decoded = decoder.Decode(record);
            }
            catch (Exception e)
            {
                throw new AssertionException($"seed {seed}, record {i} of {decoder.Topic}: {Convert.ToHexString(record.Value)}", e);
            }

            seen[(int)decoded.Breach]++;
            if (decoded.IsGood && !EventTime.IsValid(decoded.EventTime))
                Assert.Fail($"seed {seed}, record {i} of {decoder.Topic}: time {decoded.EventTime}");
        }

        TimeSpan took = Stopwatch.GetElapsedTime(started);
        TestContext.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{took.TotalSeconds:F1} s; {string.Join(", ", Enum.GetValues<Breach>().Select(b => $"{b} {seen[(int)b]}"))}"));

        // The damage reaches every kind of verdict but the two that take a record of its own (DecoderTests).
        Assert.That(Enum.GetValues<Breach>().Where(b => seen[(int)b] == 0), Is.SubsetOf(new[] { Breach.TooMany }));
        Assert.That(seen[(int)Breach.None], Is.GreaterThan(Records / 50));
    }

    [Test]
    public void A_probe_taken_the_short_way_is_what_the_long_way_takes()
    {
        int seed = Random.Shared.Next();
        TestContext.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"seed {seed}"));
        Random random = new(seed);
        byte[][] samples =
        [
            .. new[]
            {
                """{"device":"d1","business":"b","venue":"v","ap":"ap-1","rssi":-61,"at":1711000000000}""",
                """{"device":"d1","business":"b","venue":"v","ap":"ap-1","rssi":0,"at":1711000000000,"randomized":true}""",
                """{"at":1711000000000,"randomized":false,"rssi":-127,"ap":"x","venue":"v!~","business":"business-17","device":"d1"}""",
            }.Select(Encoding.UTF8.GetBytes),
        ];
        ProbeEvent shortWay = new(), longWay = new();
        Span<byte> value = new byte[4096];
        int taken = 0;
        for (int i = 0; i < Records / 2; i++)
        {
            byte[] sample = samples[random.Next(samples.Length)];
            sample.CopyTo(value);
            int length = sample.Length;
            for (int times = random.Next(3); times > 0; times--)
                length = Damage(random, value, length);
            LogRecord record = new() { Offset = i, Timestamp = 0, Key = "d1"u8, HasKey = true, Value = value[..length], HasValue = true };
            if (!shortWay.IsPlain(record))
                continue;
            taken++;
            Decoded decoded = longWay.DecodeAny(record);
            if (!decoded.IsGood || decoded != Decoded.At(shortWay.At) || Fields(shortWay) != Fields(longWay))
                Assert.Fail($"seed {seed}, record {i}: {Encoding.UTF8.GetString(record.Value)}: {Fields(shortWay)}; the long way says {decoded}, {Fields(longWay)}");
        }

        Assert.That(taken, Is.GreaterThan(Records / 8), "what is not damaged is taken the short way");

        static (string, string, string, string, int, long, bool) Fields(ProbeEvent probe) =>
            (probe.Device.ToString(), probe.Business.ToString(), probe.Venue.ToString(), probe.AccessPoint.ToString(), probe.Rssi, probe.At, probe.Randomized);
    }

    // In place; returns the new length.
    private static int Damage(Random random, Span<byte> bytes, int length)
    {
        if (length == 0)
            return 0;
        int at = random.Next(length);
        switch (random.Next(12))
        {
            case 0:
                bytes[at] = (byte)random.Next(256);
                return length;
            case 1:
                bytes[at] ^= (byte)(1 << random.Next(8));
                return length;
            case 2:
                return random.Next(4) == 0 ? at : length;
            case 3:
                // Some bytes are missing.
                int missing = Math.Min(random.Next(1, 8), length - at);
                bytes[(at + missing)..length].CopyTo(bytes[at..]);
                return length - missing;
            case 4:
                return Replace(random, bytes, length, at, 0);
            case 5:
                // Two digits, or a digit too many.
                return random.Next(2) == 0 ? Digit(random, bytes, length, at) : Replace(random, bytes, length, at, 1);
            default:
                // Another value of a field: from a colon to the next comma or brace, strings left whole where they are.
                int colon = bytes[at..length].IndexOf((byte)':');
                if (colon < 0)
                    return length;
                int from = at + colon + 1;
                int to = from < length && bytes[from] == (byte)'"' ? bytes[(from + 1)..length].IndexOf((byte)'"') + 2 : bytes[from..length].IndexOfAny((byte)',', (byte)'}');
                return Replace(random, bytes, length, from, Math.Clamp(to, 0, length - from));
        }
    }

    private static int Digit(Random random, Span<byte> bytes, int length, int from)
    {
        int digit = bytes[from..length].IndexOfAnyInRange((byte)'0', (byte)'9');
        if (digit >= 0)
            bytes[from + digit] = (byte)('0' + random.Next(10));
        return length;
    }

    private static int Replace(Random random, Span<byte> bytes, int length, int at, int count)
    {
        byte[] piece = Pieces[random.Next(Pieces.Length)];
        if (length - count + piece.Length > bytes.Length)
            return length;
        bytes[(at + count)..length].CopyTo(bytes[(at + piece.Length)..]);
        piece.CopyTo(bytes[at..]);
        return length - count + piece.Length;
    }
}
