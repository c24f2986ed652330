using Microsoft.Extensions.Time.Testing;
using Presence.Host.RocksDb;

namespace Presence.Tests.RocksDb;

/// <summary>When a store merges the files that killed processes and replays have left.</summary>
[Parallelizable(ParallelScope.All)]
internal sealed class DeferredCompactionsTests
{
    // For what RocksDB does on threads of its own.
    private const int PatienceMs = 30_000;
    private static readonly TimeSpan Moment = TimeSpan.FromSeconds(1);

    // What must not happen can only be waited for: RocksDB merges files as small as these within milliseconds.
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(1);

    private readonly string _path = Directory.CreateTempSubdirectory("presence-compactions-").FullName;
    private readonly RocksDbResources _resources = new(new RocksDbOptions());

    [OneTimeTearDown]
    public void Remove()
    {
        _resources.Dispose();
        Directory.Delete(_path, recursive: true);
    }

    [Test]
    public async Task What_is_opened_with_many_files_merges_them_when_it_has_been_open_for_a_while()
    {
        string path = Path.Combine(_path, "opened");
        FakeTimeProvider time = new();
        int files = DeferredCompactions.FilesMin + 2;
        LeaveFiles(path, files);
        using RocksDbStateStore store = new(path, _resources, time);
        Assert.That(FilesIn(path), Is.EqualTo(files));
        time.Advance(DeferredCompactions.Delay - Moment);
        Write(store, files);
        await Task.Delay(Soon, TimeProvider.System);
        Assert.That(FilesIn(path), Is.EqualTo(files), "it has just been opened");
        time.Advance(DeferredCompactions.Delay + Moment);
        Write(store, files + 1);
        Assert.That(() => FilesIn(path), Is.EqualTo(1).After(PatienceMs, 20));
    }

    [Test]
    public void What_is_opened_with_too_many_files_merges_them_at_once()
    {
        string path = Path.Combine(_path, "crashes");
        LeaveFiles(path, DeferredCompactions.FilesMax);
        using RocksDbStateStore store = new(path, _resources, new FakeTimeProvider());
        Assert.That(() => FilesIn(path), Is.EqualTo(1).After(PatienceMs, 20));
    }

    [Test]
    public void What_cannot_note_that_it_merges_its_files_does_so_and_is_written()
    {
        string path = Path.Combine(_path, "full");
        FakeTimeProvider time = new();
        int files = DeferredCompactions.FilesMin + 2;
        LeaveFiles(path, files);
        using RocksDbStateStore store = new(path, _resources, time);
        int notes = Directory.GetFiles(path, "OPTIONS-*").Length;
        // RocksDB notes its options in a file of the next number, which is where one of these is.
        string[] inTheWay = [.. Enumerable.Range(0, 1_000).Select(n => Path.Combine(path, $"OPTIONS-{n:D6}.dbtmp"))];
        foreach (string directory in inTheWay)
            Directory.CreateDirectory(directory);
        time.Advance(2 * DeferredCompactions.Delay);
        Write(store, files);
        byte[] value = [];
        Assert.That(store.TryGet([1, (byte)files], ref value), Is.EqualTo(100));
        Assert.That(Directory.GetFiles(path, "OPTIONS-*").Length, Is.EqualTo(notes), "else this test shows nothing");
        Assert.That(() => FilesIn(path), Is.EqualTo(1).After(PatienceMs, 20));
    }

    [Test]
    public async Task A_replay_is_not_held_up_by_merging_what_it_has_written()
    {
        string path = Path.Combine(_path, "replay");
        FakeTimeProvider time = new();
        int files = DeferredCompactions.FilesMin + 2;
        using RocksDbStateStore store = new(path, _resources, time);
        for (int i = 0; i < files; i++)
        {
            // All of them together take longer.
            time.Advance(DeferredCompactions.Delay - Moment);
            WriteFile(store, i);
        }

        await Task.Delay(Soon, TimeProvider.System);
        Assert.That(FilesIn(path), Is.EqualTo(files), "it goes on");
        time.Advance(2 * DeferredCompactions.Delay);
        Write(store, files);
        Assert.That(() => FilesIn(path), Is.LessThan(files).After(PatienceMs, 20));
    }

    [Test]
    public void A_replay_without_end_merges_what_it_has_written()
    {
        string path = Path.Combine(_path, "endless");
        FakeTimeProvider time = new();
        using RocksDbStateStore store = new(path, _resources, time);
        for (int i = 0; i < 4 * DeferredCompactions.FilesMax; i++)
            WriteFile(store, i);
        Assert.That(() => FilesIn(path), Is.LessThan(2 * DeferredCompactions.FilesMax).After(PatienceMs, 20));
    }

    // So that the next one that opens it finds so many: what a store's log holds becomes a file then.
    private void LeaveFiles(string path, int count)
    {
        for (int i = 0; i < count; i++)
        {
            using RocksDbStateStore once = new(path, _resources, new FakeTimeProvider());
            Write(once, i);
        }

        Assert.That(FilesIn(path), Is.EqualTo(count - 1));
    }

    private static int FilesIn(string path) => Directory.GetFiles(path, "*.sst").Length;

    private static void Write(RocksDbStateStore store, int key)
    {
        Fill(store, key);
        store.WriteBatch();
    }

    private static void WriteFile(RocksDbStateStore store, int key)
    {
        Fill(store, key);
        store.BeginWrite(asFile: true);
        Assert.That(store.EndWrite(wait: true), Is.True);
    }

    // Files that overlap, as those of one task do.
    private static void Fill(RocksDbStateStore store, int key)
    {
        store.BeginBatch();
        store.Put([0], [1]);
        store.Put([1, (byte)key], new byte[100]);
        store.Put([2], [1]);
    }
}
