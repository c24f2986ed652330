using System.Text;

namespace Presence.Host.Web.Board;

/// <summary>What may be shown of a person to whoever looks at the page.</summary>
internal static class Mask
{
    private const int DeviceCharactersMax = 4;
    private const string Hidden = "•••";

    /// <summary>The last four letters and digits, with what stands between them; fewer of a short id, so that most of it stays hidden.</summary>
    public static string Device(string device)
    {
        int shown = Math.Min(DeviceCharactersMax, device.Count(char.IsLetterOrDigit) / 3);
        int start = device.Length;
        while (shown > 0)
        {
            start--;
            if (char.IsLetterOrDigit(device[start]))
                shown--;
        }

        // Not the second half of a pair alone.
        if (start < device.Length && char.IsLowSurrogate(device[start]))
            start++;
        return string.Concat("…", device.AsSpan(start));
    }

    /// <summary>The initial.</summary>
    public static string Text(string text)
    {
        foreach (Rune rune in text.EnumerateRunes())
            return rune + Hidden;
        return Hidden;
    }
}
