using System.Runtime.InteropServices;

namespace Presence.Host.Hosting;

/// <summary>The last step of the process.</summary>
internal static class ProcessEnd
{
    /// <summary>
    /// Ends the process with this code, without the C library's clean-up where there is one to be spared: it takes away what
    /// RocksDB and the Kafka client keep for the whole process while threads of theirs, or one that hangs in a disk, still
    /// use it, and waits for RocksDB's own. What was to be closed in order has been closed before.
    /// </summary>
    public static unsafe int With(int code)
    {
        Console.Out.Flush();
        Console.Error.Flush();
        if (!OperatingSystem.IsWindows() && NativeLibrary.TryGetExport(NativeLibrary.GetMainProgramHandle(), "_exit", out nint exit))
            ((delegate* unmanaged<int, void>)exit)(code);
        return code;
    }
}
