using System.Globalization;

namespace Presence.Benchmarks;

/// <summary>What a process has cost, as the kernel counts it.</summary>
internal static class ProcessCost
{
    /// <summary>CPU seconds so far, user and system, of the whole process.</summary>
    public static double CpuSeconds(int process)
    {
        // Fields after the name in parentheses, which may hold blanks: utime is the 12th, stime the 13th; 100 per second.
        string stat = File.ReadAllText($"/proc/{process}/stat");
        string[] fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
        return (long.Parse(fields[11], CultureInfo.InvariantCulture) + long.Parse(fields[12], CultureInfo.InvariantCulture)) / 100.0;
    }

    /// <summary>Resident memory now, and at its highest, MiB.</summary>
    public static (double Now, double Peak) MemoryMiB(int process)
    {
        double Read(string name) => File.ReadLines($"/proc/{process}/status").Where(l => l.StartsWith(name, StringComparison.Ordinal))
            .Select(l => double.Parse(new string([.. l.Where(char.IsAsciiDigit)]), CultureInfo.InvariantCulture) / 1024).FirstOrDefault();
        return (Read("VmRSS:"), Read("VmHWM:"));
    }
}
