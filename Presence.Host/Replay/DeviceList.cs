namespace Presence.Host.Replay;

/// <summary>A list of devices: one MAC a line, any case and notation, <c>#</c> begins a comment.</summary>
public static class DeviceList
{
    /// <summary>Reads a list. Throws <see cref="CaptureException"/> naming every line that holds no MAC.</summary>
    public static IReadOnlyList<string> Read(string path)
    {
        List<string> devices = [];
        List<string> bad = [];
        int number = 0;
        try
        {
            foreach (string line in File.ReadLines(path))
            {
                number++;
                string text = line.Split('#')[0].Trim();
                if (text.Length == 0)
                    continue;
                if (MacAddress.TryNormalise(text, out string device, out _))
                    devices.Add(device);
                else
                    bad.Add($"{path}, line {number}: '{(text.Length > 40 ? text[..40] + "…" : text)}' is not a MAC address such as 00:11:22:aa:bb:cc.");
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CaptureException($"{path}: {e.Message}", e);
        }

        return bad.Count == 0 ? [.. devices.Distinct()] : throw new CaptureException(string.Join(Environment.NewLine, bad));
    }
}
