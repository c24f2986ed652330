using System.Text;

namespace Presence.Host.Replay;

/// <summary>
/// Splits CSV text into rows of fields. A field in quotation marks may hold separators, doubled quotation marks and line
/// breaks. A quotation mark that is never closed is a character like any other (an SSID may begin with one): it costs
/// no row but its own. Blank lines are passed over.
/// </summary>
internal sealed class CsvRows(TextReader text, char separator, string file)
{
    // How far a quoted field may reach over line breaks.
    private const int LinesPerRowMax = 16;
    private const int LineCharsMax = 1024 * 1024;

    private readonly Queue<string> _ahead = new();
    private readonly StringBuilder _builder = new();
    private readonly List<string> _fields = [];
    private int _columns = -1;
    private int _lines;

    /// <summary>The number of the line on which the row begins, from 1.</summary>
    public int Line { get; private set; }

    /// <summary>The fields of the row; valid until the next one is read.</summary>
    public IReadOnlyList<string> Fields => _fields;

    /// <summary>Reads a row; false at the end. The first row, the header, says how many fields a row of several lines must have.</summary>
    public bool Read()
    {
        string? line;
        do
        {
            line = NextLine();
            if (line is null)
                return false;
        }
        while (line.AsSpan().IsWhiteSpace());

        Line = _lines;
        if (!TrySplit(line, literal: false))
        {
            // A mark that is not closed on its line: a character, if that gives a whole row; else the row may go on below.
            TrySplit(line, literal: true);
            if (_fields.Count != _columns && !TryJoin(line))
                TrySplit(line, literal: true);
        }

        if (_columns < 0)
            _columns = _fields.Count;
        return true;
    }

    // The row goes on after the line break, if that makes it a whole row; otherwise the lines are rows of their own.
    private bool TryJoin(string line)
    {
        List<string> more = [];
        string joined = line;
        while (more.Count < LinesPerRowMax && NextLine() is { } next)
        {
            more.Add(next);
            joined = joined + "\n" + next;
            if (TrySplit(joined, literal: false) && _fields.Count == _columns)
                return true;
        }

        List<string> later = [.. more, .. _ahead];
        _ahead.Clear();
        foreach (string unread in later)
            _ahead.Enqueue(unread);
        _lines -= more.Count;
        return false;
    }

    private bool TrySplit(string line, bool literal)
    {
        _fields.Clear();
        int at = 0;
        while (true)
        {
            if (!literal && at < line.Length && line[at] == '"')
            {
                if (!TryQuoted(line, ref at))
                    return false;
            }
            else
            {
                int end = line.IndexOf(separator, at);
                if (end < 0)
                    end = line.Length;
                _fields.Add(line[at..end]);
                at = end;
            }

            if (at >= line.Length)
                return true;
            at++;
        }
    }

    // From the opening mark to the separator after the closing one.
    private bool TryQuoted(string line, ref int at)
    {
        _builder.Clear();
        int i = at + 1;
        while (true)
        {
            int mark = line.IndexOf('"', i);
            if (mark < 0)
                return false;
            _builder.Append(line, i, mark - i);
            if (mark + 1 < line.Length && line[mark + 1] == '"')
            {
                _builder.Append('"');
                i = mark + 2;
                continue;
            }

            if (mark + 1 < line.Length && line[mark + 1] != separator)
            {
                _builder.Append('"');
                i = mark + 1;
                continue;
            }

            _fields.Add(_builder.ToString());
            at = mark + 1;
            return true;
        }
    }

    private string? NextLine()
    {
        if (_ahead.TryDequeue(out string? line))
        {
            _lines++;
            return line;
        }

        line = ReadLine();
        if (line is not null)
            _lines++;
        return line;
    }

    // TextReader.ReadLine has no bound.
    private string? ReadLine()
    {
        StringBuilder? overflow = null;
        Span<char> chunk = stackalloc char[512];
        int filled = 0;
        while (true)
        {
            int next = text.Read();
            if (next < 0 && filled == 0 && overflow is null)
                return null;
            if (next is < 0 or '\n' or '\r')
            {
                if (next == '\r' && text.Peek() == '\n')
                    text.Read();
                return overflow is null ? new string(chunk[..filled]) : overflow.Append(chunk[..filled]).ToString();
            }

            if (filled == chunk.Length)
            {
                overflow = (overflow ?? new StringBuilder()).Append(chunk);
                filled = 0;
                if (overflow.Length > LineCharsMax)
                    throw new CaptureException($"{file}, line {_lines + 1}: the line is longer than {LineCharsMax} characters; this is no such CSV.");
            }

            chunk[filled++] = (char)next;
        }
    }
}
