namespace Presence.Host.RocksDb;

/// <summary>
/// The state directory of an instance: locked for one process, with a format version and the instance's id, readable by
/// its owner alone. The lock is the operating system's: it goes with the process, however that ends.
/// </summary>
public sealed class StateDirectory : IDisposable
{
    /// <summary>Version of the layout below this directory.</summary>
    public const int FormatVersion = 1;

    // What a lock that another process holds is called: EWOULDBLOCK of Linux and of macOS, ERROR_SHARING_VIOLATION.
    private const int WouldBlock = 11;
    private const int WouldBlockMac = 35;
    private const int SharingViolation = unchecked((int)0x80070020);

    private readonly FileStream _lock;

    private StateDirectory(string path, string instanceId, FileStream @lock)
    {
        Path = path;
        InstanceId = instanceId;
        _lock = @lock;
    }

    /// <summary>Absolute path.</summary>
    public string Path { get; }

    /// <summary>The instance's id: the configured one, else the one kept here, else the host name.</summary>
    public string InstanceId { get; }

    /// <summary>
    /// Opens or creates a directory. <paramref name="notice"/> says what an operator should know (the directory of
    /// another id was adopted). Throws <see cref="StateDirectoryException"/>.
    /// </summary>
    public static StateDirectory Open(string path, string? configuredInstanceId, string hostName, out string? notice)
    {
        path = System.IO.Path.GetFullPath(path);
        try
        {
            Directory.CreateDirectory(path);
            if (!OperatingSystem.IsWindows())
                File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new StateDirectoryException($"The state directory {path} cannot be made or its mode not set to 0700: {e.Message}. Set Presence:StateDirectory to a directory this user owns.", e);
        }

        FileStream? held = null;
        try
        {
            held = Lock(path);
            CheckFormat(path);
            string idFile = System.IO.Path.Combine(path, "instance-id");
            string? kept = File.Exists(idFile) ? File.ReadAllText(idFile).Trim() : null;
            string id = !string.IsNullOrEmpty(configuredInstanceId) ? configuredInstanceId : !string.IsNullOrEmpty(kept) ? kept : hostName;
            notice = kept is not null && kept != id ? $"The state directory {path} was that of instance '{kept}'; instance '{id}' adopts it." : null;
            if (kept != id)
                WriteWhole(idFile, id);
            return new StateDirectory(path, id, held);
        }
        catch (Exception e)
        {
            held?.Dispose();
            if (e is IOException)
                throw new StateDirectoryException($"The state directory {path} cannot be read or written: {e.Message}. See whether its disk is full or failing, then start again.", e, mayPass: true);
            throw;
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _lock.Dispose();

    private static FileStream Lock(string path)
    {
        string file = System.IO.Path.Combine(path, "lock");
        try
        {
            return new FileStream(file, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (UnauthorizedAccessException e)
        {
            throw new StateDirectoryException($"The state directory {path} cannot be written: {e.Message}.", e);
        }
        catch (IOException e) when (e.HResult is WouldBlock or WouldBlockMac or SharingViolation)
        {
            throw new StateDirectoryException($"The state directory {path} is in use by another process: two instances cannot share one. Stop the other one, or set Presence:StateDirectory. ({e.Message})", e);
        }
    }

    private static void CheckFormat(string path)
    {
        string file = System.IO.Path.Combine(path, "format");
        if (!File.Exists(file))
        {
            WriteWhole(file, FormatVersion.ToString(System.Globalization.CultureInfo.InvariantCulture));
            return;
        }

        string text = File.ReadAllText(file).Trim();
        if (!int.TryParse(text, out int version) || version < 1)
            throw new StateDirectoryException($"{file} holds '{text}', which is no format version. Move the directory away to rebuild the state from the changelogs.");
        if (version > FormatVersion)
            throw new StateDirectoryException($"The state directory {path} has format version {version}, written by a newer Presence; this one knows up to {FormatVersion}. Run the newer one, or move the directory away to rebuild the state from the changelogs.");
    }

    private static void WriteWhole(string file, string text)
    {
        string temporary = file + ".new";
        File.WriteAllText(temporary, text + "\n");
        File.Move(temporary, file, overwrite: true);
    }
}
