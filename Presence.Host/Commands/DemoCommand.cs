using System.CommandLine;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Presence.Core.Log;
using Presence.Core.Runtime;
using Presence.Host.Configuration;
using Presence.Host.Demo;
using Presence.Host.Hosting;
using Presence.Host.RocksDb;

namespace Presence.Host.Commands;

/// <summary><c>demo</c>: the whole of it on an embedded log in a temporary directory, fed by simulated venues.</summary>
internal static class DemoCommand
{
    // 1 s is 4 min: the 10 min of grace are 2.5 s, more than a login takes through the pipeline on a slow machine.
    private const double Speed = 240;
    private const int Seed = 20;

    // As long as the staff rule looks back; worked off in 84 min, then the demo goes on at life's pace.
    private static readonly TimeSpan Age = TimeSpan.FromDays(14);
    private static readonly TimeSpan Step = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan ReadyLimit = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan ProgressInterval = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan SettleLimit = TimeSpan.FromSeconds(2);

    private static readonly Option<int?> Seconds = new("--seconds") { Description = "End by itself after so many seconds (1 to 86400)." };

    public static Command Create()
    {
        Command command = new("demo", "Runs everything on a temporary embedded log with simulated venues, faster than life. Ctrl-C ends it and removes what it wrote.") { TreatUnmatchedTokensAsErrors = false };
        command.Options.Add(Seconds);
        command.SetAction(Run);
        return command;
    }

    private static async Task<int> Run(ParseResult parsed, CancellationToken cancellation)
    {
        int? seconds = parsed.GetValue(Seconds);
        if (seconds is < 1 or > 86_400)
        {
            Console.Error.WriteLine($"--seconds {seconds}: allowed are 1 to 86400.");
            return ExitCodes.Usage;
        }

        DirectoryInfo directory = Directory.CreateTempSubdirectory("presence-demo-");
        try
        {
            // Whatever is configured for real must neither be read nor written.
            Settings? settings = CommandContext.Load(parsed, new Dictionary<string, string>
            {
                ["Kafka:BootstrapServers"] = "",
                ["Presence:StateDirectory"] = directory.FullName,
                ["Presence:Stages"] = "",
            });
            if (settings is null)
                return ExitCodes.Usage;
            using CancellationTokenSource end = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
            if (seconds is { } limit)
                end.CancelAfter(TimeSpan.FromSeconds(limit));
            return await Run(settings, end.Token);
        }
        catch (Exception e) when (e is LogException or IOException or StateDirectoryException)
        {
            Console.Error.WriteLine(e.Message);
            return ExitCodes.Failed;
        }
        finally
        {
            directory.Delete(recursive: true);
        }
    }

    // Ends by cancellation, be it the time or Ctrl-C: here that is how it should end.
    private static async Task<int> Run(Settings settings, CancellationToken end)
    {
        using StateDirectory state = StateDirectory.Open(settings.Presence.StateDirectory, settings.Presence.InstanceId, Environment.MachineName, out _);
        await using WebApplication app = PresenceHost.Build(settings, state, notice: null, isVerbOutput: true);
        try
        {
            await app.StartAsync(CancellationToken.None);
        }
        catch (IOException e)
        {
            Console.Error.WriteLine($"{e.Message} Set Presence:HttpUrl to a free address, or to nothing.");
            return ExitCodes.Failed;
        }

        string summary;
        try
        {
            summary = await Simulate(settings, app.Services, end);
        }
        finally
        {
            await app.StopAsync(CancellationToken.None);
        }

        Console.WriteLine(summary);
        return PresenceHost.ServiceOf(app).ExitCode;
    }

    private static async Task<string> Simulate(Settings settings, IServiceProvider services, CancellationToken end)
    {
        TimeProvider time = TimeProvider.System;
        ILog log = services.GetRequiredService<ILog>();
        IPresenceRuntime runtime = services.GetRequiredService<IPresenceRuntime>();
        TopicOptions topics = settings.Presence.Topics;
        using IRecordWriter writer = log.CreateWriter();
        using DemoResults results = new(log, topics.Names(), topics.Partitions);
        await Ready(runtime, time, end);
        if (settings.Presence.HttpUrl.Length > 0)
            Console.Error.WriteLine($"The page: {settings.Presence.HttpUrl}");
        DemoClock clock = new(time, Age, Speed);
        SimulatedVenues venues = new(Seed, clock.Start, topics.Names());
        Console.Error.WriteLine($"{DemoVenue.All.Count} simulated venues, from {Text(clock.Start)}, {Speed:0} times faster than life. Ctrl-C ends it.");

        long said = time.GetTimestamp();
        while (!end.IsCancellationRequested && !runtime.Completion.IsCompleted)
        {
            List<ProducedRecord> records = venues.Advance(clock.Now(), time.GetUtcNow().ToUnixTimeMilliseconds());
            if (records.Count > 0)
                await writer.Append(records, CancellationToken.None);
            results.Update();
            if (time.GetElapsedTime(said) > ProgressInterval)
            {
                said = time.GetTimestamp();
                Console.Error.WriteLine($"{Text(clock.Now())}: {Line(venues, results)}");
            }

            await Task.Delay(Step, time, end).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        await Settle(runtime, time);
        results.Update();
        return Line(venues, results);
    }

    private static async Task Ready(IPresenceRuntime runtime, TimeProvider time, CancellationToken end)
    {
        long began = time.GetTimestamp();
        while (!end.IsCancellationRequested)
        {
            InstanceStatus status = runtime.Status();
            if (runtime.Completion.IsCompleted || time.GetElapsedTime(began) > ReadyLimit)
                throw new LogException($"the demo did not become ready: {status.Reason ?? status.State.ToString()}");
            if (status.State == InstanceState.Running && status.Tasks.Count > 0 && status.Tasks.All(t => t.State == TaskState.Running))
                return;
            await Task.Delay(Step, time, end).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    // What is on its way counts in the summary, as far as it comes soon.
    private static async Task Settle(IPresenceRuntime runtime, TimeProvider time)
    {
        long began = time.GetTimestamp();
        int quiet = 0;
        while (quiet < 3 && time.GetElapsedTime(began) < SettleLimit && !runtime.Completion.IsCompleted)
        {
            await Task.Delay(Step, time);
            quiet = runtime.Status().Tasks.All(t => t.LagRecords <= 0) ? quiet + 1 : 0;
        }
    }

    private static string Line(SimulatedVenues venues, DemoResults results) =>
        $"{venues.Probes} probes, {results.WalkIns} walk-ins, {results.Enriched} enriched, {results.Counted} counted";

    private static string Text(long ms) => DateTimeOffset.FromUnixTimeMilliseconds(ms).ToString("yyyy-MM-dd HH:mm", System.Globalization.CultureInfo.InvariantCulture);
}
