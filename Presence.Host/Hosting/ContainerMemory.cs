using System.Globalization;

namespace Presence.Host.Hosting;

/// <summary>The memory that the container or the service may take, as the kernel's control groups have it.</summary>
public static class ContainerMemory
{
    // Version 1 says "no limit" by a number near 2^63.
    private const long Unlimited = 1L << 60;

    /// <summary>The least limit on the way from this process' group up, bytes; null where there is none, or no Linux.</summary>
    /// <param name="root">Where <c>proc</c> and <c>sys</c> are.</param>
    public static long? Limit(string root = "/")
    {
        try
        {
            List<string> files = [Path.Join(root, "sys/fs/cgroup/memory/memory.limit_in_bytes")];
            // Version 2: 0::/system.slice/presence.service
            string? own = File.ReadLines(Path.Join(root, "proc/self/cgroup")).FirstOrDefault(l => l.StartsWith("0::", StringComparison.Ordinal))?[3..];
            for (string? group = own; group is not null; group = Path.GetDirectoryName(group))
                files.Add(Path.Join(root, "sys/fs/cgroup", group, "memory.max"));
            long[] limits = [.. files.Where(File.Exists).Select(Read).OfType<long>()];
            return limits.Length > 0 ? limits.Min() : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private static long? Read(string file) =>
        long.TryParse(File.ReadAllText(file).Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out long bytes) && bytes < Unlimited ? bytes : null;
}
