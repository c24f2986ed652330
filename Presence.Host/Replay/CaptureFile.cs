using System.IO.Compression;
using System.Text;

namespace Presence.Host.Replay;

/// <summary>
/// One capture: CSV, pcap or pcapng, plain or gzipped; which of them is seen from the content, not from the name.
/// The access point is the file's name up to its first dot; white space and <c>|</c> in it become hyphens.
/// </summary>
public sealed class CaptureFile
{
    private const int HeaderCharsMax = 16 * 1024;

    private readonly string _path;
    private readonly TimeZoneInfo _zone;
    private readonly bool _isZipped;
    private readonly byte[] _start;
    private readonly char _separator;

    private CaptureFile(string path, TimeZoneInfo zone, bool isZipped, byte[] start, char separator)
    {
        _path = path;
        _zone = zone;
        _isZipped = isZipped;
        _start = start;
        _separator = separator;
        AccessPoint = AccessPointOf(path);
        Report = new CaptureReport(path);
    }

    /// <summary>Who heard the probes.</summary>
    public string AccessPoint { get; }

    /// <summary>What became of its rows, as far as it has been read.</summary>
    public CaptureReport Report { get; }

    /// <summary>Looks what a file is. <paramref name="zone"/>: of the times in a CSV. Throws <see cref="CaptureException"/>.</summary>
    public static CaptureFile Open(string path, TimeZoneInfo zone)
    {
        try
        {
            using FileStream file = File.OpenRead(path);
            byte[] magic = new byte[2];
            bool isZipped = file.ReadAtLeast(magic, 2, throwOnEndOfStream: false) == 2 && magic is [0x1f, 0x8b];
            file.Position = 0;
            using Stream content = isZipped ? new GZipStream(file, CompressionMode.Decompress) : file;
            byte[] start = new byte[HeaderCharsMax];
            int length = content.ReadAtLeast(start, start.Length, throwOnEndOfStream: false);
            if (length == 0)
                throw new CaptureException($"{path}: the file is empty.");
            Array.Resize(ref start, length);
            if (PcapCapture.IsMagic(start) || PcapNgCapture.IsMagic(start))
                return new CaptureFile(path, zone, isZipped, start[..4], ';');

            using StreamReader text = new(new MemoryStream(start), Encoding.UTF8);
            string? header = text.ReadLine();
            while (header is not null && string.IsNullOrWhiteSpace(header))
                header = text.ReadLine();
            char separator = CsvCapture.SeparatorOf(header ?? "")
                ?? throw new CaptureException($"{path}: neither pcap, nor pcapng, nor a CSV whose first line names the columns datetime, src and rssi. It begins with: {Printable(header ?? "")}");
            return new CaptureFile(path, zone, isZipped, [], separator);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or InvalidDataException or NotSupportedException)
        {
            throw new CaptureException($"{path}: {e.Message}", e);
        }
    }

    /// <summary>Reads it, in order of time as far as <see cref="CaptureSort"/> can. Throws <see cref="CaptureException"/>.</summary>
    public IEnumerable<CapturedProbe> Read() => CaptureSort.Sorted(Guarded(), Report);

    internal static string AccessPointOf(string path)
    {
        string name = Path.GetFileName(path);
        int dot = name.IndexOf('.', 1);
        if (dot > 0)
            name = name[..dot];
        StringBuilder id = new();
        foreach (char c in name)
            id.Append(c == '|' || char.IsWhiteSpace(c) || char.IsControl(c) ? '-' : c);
        return id.ToString();
    }

    // What goes wrong below (a damaged gzip, a disk) is told with the file's name. No yield within try and catch.
    private IEnumerable<CapturedProbe> Guarded()
    {
        using Stream stream = OpenContent();
        IEnumerable<CapturedProbe> probes = _start.Length == 0 ? CsvCapture.Read(stream, _separator, AccessPoint, _zone, Report)
            : PcapCapture.IsMagic(_start) ? PcapCapture.Read(stream, AccessPoint, Report)
            : PcapNgCapture.Read(stream, AccessPoint, Report);
        using IEnumerator<CapturedProbe> reader = probes.GetEnumerator();
        while (MoveNext(reader))
            yield return reader.Current;
    }

    private bool MoveNext(IEnumerator<CapturedProbe> reader)
    {
        try
        {
            return reader.MoveNext();
        }
        catch (Exception e) when (e is IOException or InvalidDataException)
        {
            throw new CaptureException($"{_path}: cannot be read on after row {Report.Rows}: {e.Message}", e);
        }
    }

    private Stream OpenContent()
    {
        try
        {
            FileStream file = new(_path, FileMode.Open, FileAccess.Read, FileShare.Read, 128 * 1024, FileOptions.SequentialScan);
            return _isZipped ? new BufferedStream(new GZipStream(file, CompressionMode.Decompress), 128 * 1024) : file;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CaptureException($"{_path}: {e.Message}", e);
        }
    }

    private static string Printable(string text)
    {
        string start = text.Length > 60 ? text[..60] + "…" : text;
        return new string([.. start.Select(c => char.IsControl(c) ? '?' : c)]);
    }
}
