using System.Diagnostics;
using System.Reflection;
using System.Runtime.Loader;

namespace Presence.Tests.Simulation;

/// <summary>
/// The simulation finds bugs: each mutant of Presence.Core is built from its changed sources, loaded beside the real one
/// and simulated until a seed fails.
/// </summary>
[Category("Simulation")]
[NonParallelizable]
internal sealed class MutantTests
{
    private const int SeedsMax = 2_000;

    // A seed that does not end is a find, too.
    private static readonly TimeSpan SeedLimit = TimeSpan.FromMinutes(2);

    // The tests with the mutant in the place of Presence.Core; everything else is shared.
    private sealed class Mutated(string core, string tests) : AssemblyLoadContext(isCollectible: true)
    {
        protected override Assembly? Load(AssemblyName assemblyName) => assemblyName.Name switch
        {
            "Presence.Core" => LoadFromAssemblyPath(core),
            "Presence.Tests" => LoadFromAssemblyPath(tests),
            _ => null,
        };
    }

    private static IEnumerable<TestCaseData> All => Mutant.All.Select(m => new TestCaseData(m));

    [Test]
    public void Each_has_its_place_in_the_sources() => Assert.Multiple(() =>
    {
        foreach ((string file, string text, string _) in Mutant.All.SelectMany(m => m.Changes))
            AssertOnce(text, File.ReadAllText(Path.Combine(Root(), "Presence.Core", file)), file);
    });

    [TestCaseSource(nameof(All))]
    public void The_simulation_finds(Mutant mutant)
    {
        string directory = Directory.CreateTempSubdirectory("presence-mutant").FullName;
        try
        {
            string core = Build(mutant, directory);
            (int seeds, string? failure) = Simulate(core);
            Assert.That(failure, Is.Not.Null, $"{seeds} seeds, none failed");
            TestContext.Out.WriteLine($"{mutant.Name}: found by seed {seeds}: {failure}");
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    private static string Build(Mutant mutant, string directory)
    {
        string root = Root();
        foreach (string file in (string[])["Directory.Build.props", "Directory.Packages.props", "BannedSymbols.txt", "global.json"])
            File.Copy(Path.Combine(root, file), Path.Combine(directory, file));
        string core = Path.Combine(root, "Presence.Core");
        foreach (string file in Directory.EnumerateFiles(core, "*", SearchOption.AllDirectories))
        {
            string relative = Path.GetRelativePath(core, file);
            if (relative.StartsWith("bin" + Path.DirectorySeparatorChar, StringComparison.Ordinal) || relative.StartsWith("obj" + Path.DirectorySeparatorChar, StringComparison.Ordinal))
                continue;
            string copy = Path.Combine(directory, "Presence.Core", relative);
            Directory.CreateDirectory(Path.GetDirectoryName(copy)!);
            File.Copy(file, copy);
        }

        foreach ((string file, string text, string replacement) in mutant.Changes)
        {
            string path = Path.Combine(directory, "Presence.Core", file);
            string source = File.ReadAllText(path);
            AssertOnce(text, source, file);
            File.WriteAllText(path, source.Replace(text, replacement, StringComparison.Ordinal));
        }

        string output = Path.Combine(directory, "out");
        ProcessStartInfo start = new("dotnet", ["build", Path.Combine(directory, "Presence.Core"), "-c", "Release", "-o", output, "-nodeReuse:false", "-p:RunAnalyzers=false", "-p:TreatWarningsAsErrors=false", "-v:q"])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using Process build = Process.Start(start)!;
        string said = build.StandardOutput.ReadToEnd() + build.StandardError.ReadToEnd();
        build.WaitForExit();
        Assert.That(build.ExitCode, Is.Zero, said);
        return Path.Combine(output, "Presence.Core.dll");
    }

    private static void AssertOnce(string text, string source, string file) =>
        Assert.That(source.Split(text), Has.Length.EqualTo(2), $"the text to be changed occurs once in {file}: {text}");

    private static (int Seeds, string? Failure) Simulate(string core)
    {
        Mutated context = new(core, typeof(MutantTests).Assembly.Location);
        MethodInfo run = context.LoadFromAssemblyName(new AssemblyName("Presence.Tests"))
            .GetType(typeof(SimulationRun).FullName!)!
            .GetMethod(nameof(SimulationRun.FailureOf), BindingFlags.Static | BindingFlags.Public)!;
        Assert.That(run.DeclaringType, Is.Not.EqualTo(typeof(SimulationRun)), "the mutant is loaded beside the real thing");
        var failureOf = run.CreateDelegate<Func<int, string?>>();
        int next = 0, found = 0;
        string? failure = null;
        long lastEnd = Stopwatch.GetTimestamp();
        Thread[] threads = [.. Enumerable.Range(0, Environment.ProcessorCount).Select(_ => new Thread(Work) { IsBackground = true })];
        foreach (Thread thread in threads)
            thread.Start();
        foreach (Thread thread in threads)
        {
            while (!thread.Join(TimeSpan.FromSeconds(1)))
            {
                if (Stopwatch.GetElapsedTime(Volatile.Read(ref lastEnd)) > SeedLimit)
                    return (next, $"a seed of the first {next} does not end");
            }
        }

        context.Unload();
        return (failure is null ? Math.Min(next, SeedsMax) : found, failure);

        void Work()
        {
            while (Volatile.Read(ref failure) is null && Interlocked.Increment(ref next) is int seed && seed <= SeedsMax)
            {
                if (failureOf(seed) is { } broken && Interlocked.CompareExchange(ref failure, broken, null) is null)
                    found = seed;
                Volatile.Write(ref lastEnd, Stopwatch.GetTimestamp());
            }
        }
    }

    private static string Root()
    {
        string? directory = TestContext.CurrentContext.TestDirectory;
        while (directory is not null && !File.Exists(Path.Combine(directory, "presence.sln")))
            directory = Path.GetDirectoryName(directory);
        return directory ?? throw new DirectoryNotFoundException("the tests do not lie under the directory of presence.sln");
    }
}
