using Presence.Core.State;

namespace Presence.Host.RocksDb;

/// <summary>The stores of an instance: one RocksDB per task under <c>tasks/</c> of its state directory.</summary>
public sealed class RocksDbStateStoreProvider(StateDirectory directory, RocksDbResources resources, TimeProvider time) : IStateStoreProvider
{
    private readonly string _root = Path.Combine(directory.Path, "tasks");

    /// <inheritdoc/>
    public IStoreOpening BeginOpen(string task) => new RocksDbStoreOpening(PathOf(task), resources, time);

    /// <inheritdoc/>
    public void Delete(string task)
    {
        try
        {
            if (Directory.Exists(PathOf(task)))
                Directory.Delete(PathOf(task), recursive: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new StoreException($"{PathOf(task)} cannot be deleted: {e.Message}", isCorruption: false, e);
        }
    }

    /// <inheritdoc/>
    public IReadOnlyCollection<string> Existing() =>
        Directory.Exists(_root) ? [.. Directory.EnumerateDirectories(_root).Select(d => Path.GetFileName(d)!)] : [];

    /// <inheritdoc/>
    public void Dispose()
    {
        // Stores belong to their tasks; the shared resources to whoever made them.
    }

    private string PathOf(string task) =>
        task.Length is > 0 and <= 200 && task.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c == '-')
            ? Path.Combine(_root, task)
            : throw new ArgumentException($"'{task}' is no task name: lower-case letters, digits and hyphens only.", nameof(task));
}
