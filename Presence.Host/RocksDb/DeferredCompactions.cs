using System.Globalization;
using RocksDbSharp;

namespace Presence.Host.RocksDb;

/// <summary>
/// Lets a database merge its files only after it has been open for a while, and only after a replay: a process that was
/// killed finds something to merge in all of its stores at once, which would take the processors from what it starts for. See
/// docs/decisions/0014-files-are-merged-later.md.
/// </summary>
internal sealed class DeferredCompactions(RocksDbSharp.RocksDb db, TimeProvider time)
{
    /// <summary>Files that were written and not merged, at which a database merges them.</summary>
    public const int FilesMin = 8;

    /// <summary>At which they are merged at once, as each costs each read something: of a long replay, or of many starts that soon failed.</summary>
    public const int FilesMax = 24;

    /// <summary>How long after it was opened, or had a large write, at least, and twice that at most: longer than a start takes on two slow cores from there on.</summary>
    public static readonly TimeSpan Delay = TimeSpan.FromSeconds(5);

    // Stores that were opened together would all begin at once.
    private readonly TimeSpan _delay = Delay * (1 + Random.Shared.NextDouble());
    private long _since = time.GetTimestamp();
    private bool _areOn;

    /// <summary>Of a database that will be opened.</summary>
    public static DbOptions Defer(DbOptions options) => options.SetDisableAutoCompactions(1);

    /// <summary>
    /// Called when it has been opened, and by whoever writes, before each write. <paramref name="addsFile"/>: each large one
    /// does, and so does opening it; of others it takes very many.
    /// </summary>
    public void Step(bool addsFile)
    {
        if (_areOn)
            return;
        if (addsFile)
            _since = time.GetTimestamp();
        if (addsFile ? Files() < FilesMax : time.GetElapsedTime(_since) < _delay)
            return;
        try
        {
            db.SetOptions([new("disable_auto_compactions", "false")]);
        }
        catch (RocksDbException)
        {
            // They are on, and could not be noted in a file, on a full disk for instance. That is no reason not to write.
        }

        _areOn = true;
    }

    private int Files() => int.TryParse(db.GetProperty("rocksdb.num-files-at-level0"), CultureInfo.InvariantCulture, out int files) ? files : 0;
}
