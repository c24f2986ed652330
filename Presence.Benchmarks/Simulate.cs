using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using Presence.Core.Log.Simulated;
using Presence.Tests.Simulation;

namespace Presence.Benchmarks;

/// <summary><c>simulate</c>: as many seeds as asked for, on all cores; what failed, and how often everything went wrong.</summary>
internal static class Simulate
{
    /// <summary>Seeds <paramref name="from"/> and following, until there are enough or time is up. Returns the exit code.</summary>
    public static int Run(int seeds, int from, double limitMinutes, bool untilFailure, CancellationToken cancellation)
    {
        ConcurrentDictionary<int, string> failures = [];
        ConcurrentDictionary<string, long> counts = [];
        long done = 0;
        int next = from - 1;
        Stopwatch watch = Stopwatch.StartNew();
        Console.WriteLine($"{seeds} seeds from {from}");
        long nextProgress = 10_000;
        Thread[] threads = [.. Enumerable.Range(0, Environment.ProcessorCount).Select(_ => new Thread(Work))];
        foreach (Thread thread in threads)
            thread.Start();
        foreach (Thread thread in threads)
            thread.Join();
        foreach ((string name, long count) in counts.OrderBy(c => c.Key, StringComparer.Ordinal))
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  {name,-34} {count,12:N0}"));
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{watch.Elapsed.TotalSeconds:0} s, {done / watch.Elapsed.TotalHours:N0} seeds per hour; first seed {from}"));
        foreach ((int seed, string failure) in failures.OrderBy(f => f.Key).Take(20))
            Console.WriteLine($"seed {seed}: {failure}\n  again: dotnet run --project Presence.Benchmarks -c Release -- simulate --seed {seed}");
        Console.WriteLine($"{done} seeds, {failures.Count} failed");
        return failures.IsEmpty ? 0 : 1;

        void Work()
        {
            while (!cancellation.IsCancellationRequested && watch.Elapsed.TotalMinutes < limitMinutes && !(untilFailure && !failures.IsEmpty))
            {
                int seed = Interlocked.Increment(ref next);
                if (seed >= (long)from + seeds)
                    return;
                SimulationResult result = SimulationRun.Run(seed);
                if (result.Failure is not null)
                    failures[seed] = result.Failure;
                foreach ((SimulatedFault fault, long count) in result.Faults)
                    counts.AddOrUpdate($"fault: {fault}", count, (_, c) => c + count);
                foreach ((string name, long count) in result.Seen)
                    counts.AddOrUpdate($"seen: {name}", count, (_, c) => c + count);
                Interlocked.Increment(ref done);
                long due = Interlocked.Read(ref nextProgress);
                if (watch.ElapsedMilliseconds > due && Interlocked.CompareExchange(ref nextProgress, due + 10_000, due) == due)
                    Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{watch.Elapsed.TotalSeconds:0} s: {done} seeds, {failures.Count} failed"));
            }
        }
    }

    /// <summary>
    /// One seed, with its trace where asked for, and without some kinds of faults. A failure is tried again with ever
    /// fewer kinds.
    /// </summary>
    public static int One(int seed, bool trace, IReadOnlyList<SimulatedFault> without)
    {
        SimulationResult result = SimulationRun.Run(seed, excluded: without, trace: trace ? Console.WriteLine : null);
        Console.WriteLine($"seed {seed}: {result.Failure ?? "all is right"}\nhash {result.Hash:x16}");
        if (result.Failure is not null && !trace)
        {
            List<SimulatedFault> excluded = [.. without];
            foreach (SimulatedFault fault in Enum.GetValues<SimulatedFault>().Except(without))
            {
                if (SimulationRun.Run(seed, excluded: excluded.Append(fault)).Failure is not null)
                    excluded.Add(fault);
            }

            string left = excluded.Count == 0 ? "" : $" --without {string.Join(",", excluded)}";
            Console.WriteLine($"it needs: {string.Join(", ", Enum.GetValues<SimulatedFault>().Except(excluded))}");
            Console.WriteLine($"its shortest trace: dotnet run --project Presence.Benchmarks -c Release -- simulate --seed {seed}{left} --trace");
        }

        Console.WriteLine($"1 seeds, {(result.Failure is null ? 0 : 1)} failed");
        return result.Failure is null ? 0 : 1;
    }
}
