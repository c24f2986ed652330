using System.Diagnostics;
using System.Diagnostics.Metrics;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Presence.Core.Log;
using Presence.Core.Runtime;
using Presence.Core.State;
using Presence.Host.Configuration;
using Presence.Host.Hosting;
using Presence.Host.RocksDb;

namespace Presence.Tests.Hosting;

/// <summary>The instance on its real threads, over a disk that stops answering.</summary>
[TestFixture, Parallelizable(ParallelScope.All)]
public sealed class PresenceRuntimeTests
{
    [Test]
    public async Task A_store_that_is_never_closed_keeps_the_process_from_nothing()
    {
        DirectoryInfo directory = Directory.CreateTempSubdirectory("presence-runtime-");
        PresenceOptions options = new() { InstanceId = "i", Workers = 2 };
        using ServiceProvider metrics = new ServiceCollection().AddMetrics().BuildServiceProvider();
        using StateDirectory state = StateDirectory.Open(Path.Combine(directory.FullName, "state"), options.InstanceId, "host", out _);
        using ILog log = LogFactory.OpenEmbedded(options, Path.Combine(directory.FullName, "log"), TimeProvider.System, sync: false);
        using RocksDbResources resources = new(options.RocksDb);
        using ManualResetEventSlim answers = new();
        using Stores stores = new(new RocksDbStateStoreProvider(state, resources, TimeProvider.System), answers);
        IPresenceRuntime runtime = RuntimeFactory.Create(options, options.InstanceId, isAlone: true, log, stores, TimeProvider.System, metrics.GetRequiredService<IMeterFactory>(), NullLoggerFactory.Instance, []);
        runtime.Start();
        Assert.That(SpinWait.SpinUntil(() => runtime.Status() is { State: InstanceState.Running, Tasks.Count: > 0 } status && status.Tasks.All(t => t.State == TaskState.Running), TimeSpan.FromSeconds(30)), Is.True);

        long began = Stopwatch.GetTimestamp();
        stores.Hangs = true;
        runtime.RequestStop();
        Assert.That(await runtime.Completion.WaitAsync(TimeSpan.FromSeconds(40)), Is.False);
        Assert.That(runtime.Status().Reason, Does.Contain("has not come back"));
        Assert.That(runtime.IsRefused, Is.False);
        ((IDisposable)runtime).Dispose();
        Assert.That(Stopwatch.GetElapsedTime(began), Is.InRange(TimeSpan.FromSeconds(10), TimeSpan.FromSeconds(30)), "before the process would be ended by force");
        answers.Set();
        // What hung goes on.
        Assert.That(SpinWait.SpinUntil(() => stores.Hanging == 0, TimeSpan.FromSeconds(10)), Is.True);
        directory.Delete(recursive: true);
    }

    private sealed class Stores(IStateStoreProvider inner, ManualResetEventSlim answers) : IStateStoreProvider
    {
        private int _hanging;

        public bool Hangs { get; set; }

        public int Hanging => Volatile.Read(ref _hanging);

        public IStoreOpening BeginOpen(string task) => new Opening(this, inner.BeginOpen(task));

        public void Delete(string task) => inner.Delete(task);

        public IReadOnlyCollection<string> Existing() => inner.Existing();

        public void Dispose() => inner.Dispose();

        private sealed class Opening(Stores all, IStoreOpening inner) : IStoreOpening
        {
            public bool HasBegun => inner.HasBegun;

            public IStateStore? TryTake() => inner.TryTake() is { } store ? new Store(all, store) : null;

            public void Dispose() => inner.Dispose();
        }

        private sealed class Store(Stores all, IStateStore inner) : IStateStore
        {
            public bool HasBegunToWrite => inner.HasBegunToWrite;

            public StoreFigures Figures => inner.Figures;

            public int TryGet(ReadOnlySpan<byte> key, ref byte[] destination) => inner.TryGet(key, ref destination);

            public void Scan(ReadOnlySpan<byte> from, ReadOnlySpan<byte> to, StoreVisitor visitor) => inner.Scan(from, to, visitor);

            public void BeginBatch() => inner.BeginBatch();

            public void Put(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value) => inner.Put(key, value);

            public void Delete(ReadOnlySpan<byte> key) => inner.Delete(key);

            public void WriteBatch() => inner.WriteBatch();

            public void BeginWrite(bool asFile = false) => inner.BeginWrite(asFile);

            public bool EndWrite(bool wait) => inner.EndWrite(wait);

            public void Dispose()
            {
                if (all.Hangs)
                {
                    Interlocked.Increment(ref all._hanging);
                    all.Answers.Wait();
                    Interlocked.Decrement(ref all._hanging);
                }

                inner.Dispose();
            }
        }

        private ManualResetEventSlim Answers { get; } = answers;
    }
}
