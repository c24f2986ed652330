using System.CommandLine;
using System.Globalization;
using System.Text;
using Presence.Core.Events;
using Presence.Core.Log;
using Presence.Core.Stages.WalkIn;
using Presence.Host.Configuration;
using Presence.Host.Hosting;
using Presence.Host.Replay;
using Presence.Host.RocksDb;

namespace Presence.Host.Commands;

/// <summary><c>replay</c>: captures into <c>probes</c>, or, without Kafka, through the pipeline to walk-ins on stdout.</summary>
internal static class ReplayCommand
{
    private static readonly Argument<string[]> Files = new("FILE") { Description = "Captures: CSV, pcap or pcapng, also gzipped. Several are merged by time; each file's name is its access point.", Arity = ArgumentArity.OneOrMore };
    private static readonly Option<string> Business = new("--business") { Description = "The business the probes are of.", DefaultValueFactory = _ => "business" };
    private static readonly Option<string> Venue = new("--venue") { Description = "The venue the probes are of.", DefaultValueFactory = _ => "venue" };
    private static readonly Option<string> TimeZone = new("--time-zone") { Description = "IANA name of the zone of the times in CSV files (pcap is UTC).", DefaultValueFactory = _ => "UTC" };
    private static readonly Option<string> Speed = new("--speed") { Description = "max, or how many times faster than life.", DefaultValueFactory = _ => "max" };
    private static readonly Option<string?> Exclude = new("--exclude") { Description = "A file of devices that are no visitors: one MAC a line, # begins a comment." };
    private static readonly Option<string> Output = new("--output") { Description = "table, or json: one walk-ins value per line and nothing else on stdout.", DefaultValueFactory = _ => "table" };

    public static Command Create()
    {
        Command command = new(
            "replay",
            "Replays captures: into the probes topic where Kafka is configured; else through the whole pipeline in this process, and prints the walk-ins.")
        {
            TreatUnmatchedTokensAsErrors = false,
        };
        command.Arguments.Add(Files);
        foreach (Option option in new Option[] { Business, Venue, TimeZone, Speed, Exclude, Output })
            command.Options.Add(option);
        command.SetAction(Run);
        return command;
    }

    private static async Task<int> Run(ParseResult parsed, CancellationToken cancellation)
    {
        Settings? settings = CommandContext.Load(parsed);
        if (settings is null || ReadRequest(parsed) is not { } request)
            return ExitCodes.Usage;
        try
        {
            return await Replay(settings, request, cancellation);
        }
        catch (OperationCanceledException)
        {
            Console.Error.WriteLine("Interrupted.");
            return ExitCodes.Interrupted;
        }
        catch (Exception e) when (e is CaptureException or LogException or StateDirectoryException or IOException)
        {
            Console.Error.WriteLine(e.Message);
            return ExitCodes.Failed;
        }
        finally
        {
            foreach (CaptureFile file in request.Files)
            {
                foreach (string line in file.Report.Lines())
                    await Console.Error.WriteLineAsync(line);
            }
        }
    }

    private sealed record Request(IReadOnlyList<CaptureFile> Files, string Business, string Venue, TimeZoneInfo Zone, double? Speed, IReadOnlyList<string> Excluded, bool IsJson);

    // All that is wrong with the command line at once, on stderr.
    private static Request? ReadRequest(ParseResult parsed)
    {
        List<string> errors = [];
        string business = parsed.GetValue(Business)!, venue = parsed.GetValue(Venue)!;
        foreach ((string option, string id) in new[] { ("--business", business), ("--venue", venue) })
        {
            if (!Utf8Text.IsId(Encoding.UTF8.GetBytes(id)))
                errors.Add($"{option} '{id}': an id is 1 to 200 bytes of printable text without '|' and white space.");
        }

        if (!TimeZoneInfo.TryFindSystemTimeZoneById(parsed.GetValue(TimeZone)!, out TimeZoneInfo? zone))
            errors.Add($"--time-zone '{parsed.GetValue(TimeZone)}' is not known. Allowed: IANA names such as Europe/Prague.");
        double? speed = null;
        string pace = parsed.GetValue(Speed)!;
        if (pace != "max")
        {
            if (double.TryParse(pace, NumberStyles.Float, CultureInfo.InvariantCulture, out double factor) && factor is >= 0.001 and <= 1e9)
                speed = factor;
            else
                errors.Add($"--speed '{pace}': allowed are max, and a factor from 0.001 to 1000000000.");
        }

        string output = parsed.GetValue(Output)!;
        if (output is not ("table" or "json"))
            errors.Add($"--output '{output}': allowed are table and json.");

        List<CaptureFile> files = [];
        IReadOnlyList<string> excluded = [];
        foreach (string path in parsed.GetValue(Files)!)
            Try(() => files.Add(CaptureFile.Open(path, zone ?? TimeZoneInfo.Utc)));
        if (parsed.GetValue(Exclude) is { } list)
            Try(() => excluded = DeviceList.Read(list));
        foreach (string error in errors)
            Console.Error.WriteLine(error);
        return errors.Count > 0 ? null : new Request(files, business, venue, zone!, speed, excluded, output == "json");

        void Try(Action read)
        {
            try
            {
                read();
            }
            catch (CaptureException e)
            {
                errors.Add(e.Message);
            }
        }
    }

    private static Task<int> Replay(Settings settings, Request request, CancellationToken cancellation) =>
        settings.IsEmbedded ? ThroughPipeline(settings, request, cancellation) : IntoTopic(settings, request, cancellation);

    private static async Task<int> IntoTopic(Settings settings, Request request, CancellationToken cancellation)
    {
        using var loggers = CommandContext.StderrLogs(settings);
        using ILog log = LogFactory.Open(settings, settings.Presence.StateDirectory, TimeProvider.System, loggers);
        string topic = settings.Presence.Topics.Probes;
        if (!(await log.Admin.DescribeTopics([topic], cancellation)).ContainsKey(topic))
        {
            Console.Error.WriteLine($"The topic {topic} does not exist at {settings.Kafka.BootstrapServers}. Create it with `presence topics create`.");
            return ExitCodes.Failed;
        }

        using IRecordWriter writer = log.CreateWriter();
        HashSet<string> excluded = [.. request.Excluded];
        long left = 0;
        IEnumerable<CapturedProbe> probes = CaptureMerge.Merged(request.Files).Where(p => !excluded.Contains(p.Device) || left++ < 0);
        ProbeFeeder feeder = await Feed(writer, topic, request, probes, cancellation);
        Console.Error.WriteLine($"{feeder.Written} probes written to {topic}{(left > 0 ? $"; {left} of excluded devices left out" : "")}.");
        return ExitCodes.Done;
    }

    private static async Task<int> ThroughPipeline(Settings settings, Request request, CancellationToken cancellation)
    {
        PresenceOptions options = settings.Presence;
        options.Stages = [];
        ExcludeAtVenue(options, request);
        using var loggers = CommandContext.StderrLogs(settings);
        using EphemeralPipeline pipeline = EphemeralPipeline.Start(options, TimeProvider.System, loggers);
        using IRecordWriter writer = pipeline.Log.CreateWriter();
        await Feed(writer, options.Topics.Probes, request, CaptureMerge.Merged(request.Files), cancellation);
        await pipeline.WorkOff(cancellation);
        IReadOnlyList<byte[]> walkIns = WalkInTable.Ordered(await TopicReader.ReadAll(pipeline.Log, options.Topics.WalkIns, cancellation));
        if (request.IsJson)
        {
            await using Stream stdout = Console.OpenStandardOutput();
            foreach (byte[] walkIn in walkIns)
                await stdout.WriteAsync((byte[])[.. walkIn, (byte)'\n'], cancellation);
        }
        else
        {
            WalkInTable.Write(Console.Out, walkIns, request.Zone);
        }

        return ExitCodes.Done;
    }

    // The pipeline excludes them itself, so that what is printed is what it would do.
    private static void ExcludeAtVenue(PresenceOptions options, Request request)
    {
        if (request.Excluded.Count == 0)
            return;
        VenueOptions? venue = options.Venues.FirstOrDefault(v => v.Business == request.Business && v.Venue == request.Venue);
        if (venue is null)
        {
            venue = new VenueOptions { Business = request.Business, Venue = request.Venue };
            options.Venues = [.. options.Venues, venue];
        }

        venue.ExcludedDevices = [.. venue.ExcludedDevices, .. request.Excluded];
    }

    private static async Task<ProbeFeeder> Feed(IRecordWriter writer, string topic, Request request, IEnumerable<CapturedProbe> probes, CancellationToken cancellation)
    {
        TimeProvider time = TimeProvider.System;
        ProbeFeeder feeder = new(writer, topic, request.Business, request.Venue, time);
        long said = time.GetTimestamp();
        await feeder.Feed(
            probes,
            request.Speed,
            () =>
            {
                if (time.GetElapsedTime(said).TotalSeconds < 5)
                    return;
                said = time.GetTimestamp();
                Console.Error.WriteLine($"{feeder.Written} probes, at {DateTimeOffset.FromUnixTimeMilliseconds(feeder.LastAt ?? 0):yyyy-MM-dd HH:mm:ss} UTC");
            },
            cancellation);
        return feeder;
    }
}
