namespace Presence.Host.Replay;

/// <summary>Several captures as one, in order of time; of equal times the file named first goes first.</summary>
public static class CaptureMerge
{
    /// <summary>Merges lazily: holds one probe per file beyond what each file's own sorting holds.</summary>
    public static IEnumerable<CapturedProbe> Merged(IReadOnlyList<CaptureFile> files)
    {
        List<IEnumerator<CapturedProbe>> open = [];
        PriorityQueue<int, (long At, int File)> next = new();
        try
        {
            for (int i = 0; i < files.Count; i++)
            {
                open.Add(files[i].Read().GetEnumerator());
                if (open[i].MoveNext())
                    next.Enqueue(i, (open[i].Current.At, i));
            }

            while (next.TryDequeue(out int file, out _))
            {
                yield return open[file].Current;
                if (open[file].MoveNext())
                    next.Enqueue(file, (open[file].Current.At, file));
            }
        }
        finally
        {
            foreach (IEnumerator<CapturedProbe> reader in open)
                reader.Dispose();
        }
    }
}
