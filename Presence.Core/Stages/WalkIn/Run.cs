namespace Presence.Core.Stages.WalkIn;

/// <summary>A run of sightings of one device at one venue that may still change; times in ms, <see cref="Never"/> for none.</summary>
internal sealed class Run
{
    public const long Never = long.MaxValue;

    /// <summary>
    /// Sighting times kept for counting; beyond, only those that count are kept: fewer than MinSightings, at most 100.
    /// </summary>
    public const int TimesMax = 128;

    public long First;
    public long Last;

    /// <summary>First strong sighting.</summary>
    public long FirstStrong;

    /// <summary>First login.</summary>
    public long FirstLogin;

    /// <summary>Strongest so far, dBm.</summary>
    public sbyte MaxRssi;

    /// <summary>The device's address was locally administered.</summary>
    public bool Randomized;

    /// <summary>It reached presence: it is a visit.</summary>
    public bool Present;

    /// <summary>Its walk-in is out.</summary>
    public bool Emitted;

    /// <summary>Its visits-ended is out, or the clock has passed its end.</summary>
    public bool Ended;

    /// <summary>FirstSeen as the walk-in said it.</summary>
    public long EmittedFirst;

    /// <summary>It has MinSightings: times are no longer kept.</summary>
    public bool Counted;

    /// <summary>Distinct sighting times in order, until it has MinSightings.</summary>
    public long[] Times = new long[4];

    public int TimesCount;

    public void Begin(long at)
    {
        First = Last = at;
        FirstStrong = FirstLogin = EmittedFirst = Never;
        MaxRssi = sbyte.MinValue;
        Randomized = Present = Emitted = Ended = Counted = false;
        TimesCount = 0;
    }

    /// <summary>Takes a sighting in.</summary>
    public void Add(long at, int rssi, bool login, int entryRssi, int minSightings)
    {
        First = Math.Min(First, at);
        Last = Math.Max(Last, at);
        MaxRssi = (sbyte)Math.Max(MaxRssi, rssi);
        if (login)
            FirstLogin = Math.Min(FirstLogin, at);
        if (rssi >= entryRssi)
            FirstStrong = Math.Min(FirstStrong, at);
        AddTime(at, minSightings);
    }

    /// <summary>Takes a later run in that a sighting between the two has joined to this one.</summary>
    public void Merge(Run later, int minSightings)
    {
        First = Math.Min(First, later.First);
        Last = Math.Max(Last, later.Last);
        FirstStrong = Math.Min(FirstStrong, later.FirstStrong);
        FirstLogin = Math.Min(FirstLogin, later.FirstLogin);
        MaxRssi = Math.Max(MaxRssi, later.MaxRssi);
        Randomized |= later.Randomized;
        Present |= later.Present;
        Counted |= later.Counted;
        if (later.Emitted && (!Emitted || Ended))
        {
            Emitted = true;
            Ended = later.Ended;
            EmittedFirst = later.EmittedFirst;
        }

        for (int i = 0; i < later.TimesCount; i++)
            AddTime(later.Times[i], minSightings);
    }

    /// <summary>Sightings, each more than 1 s after the one counted before.</summary>
    public void AddTime(long at, int minSightings)
    {
        if (Counted)
            return;
        int index = Array.BinarySearch(Times, 0, TimesCount, at);
        if (index >= 0)
            return;
        index = ~index;
        if (TimesCount == Times.Length)
            Array.Resize(ref Times, Times.Length * 2);
        Array.Copy(Times, index, Times, index + 1, TimesCount - index);
        Times[index] = at;
        TimesCount++;

        int counted = 0;
        long last = 0;
        for (int i = 0; i < TimesCount; i++)
        {
            if (counted == 0 || Times[i] - last > 1000)
            {
                last = Times[i];
                counted++;
            }
        }

        if (counted >= minSightings)
        {
            Counted = true;
            TimesCount = 0;
        }
        else if (TimesCount > TimesMax)
        {
            KeepCounted();
        }
    }

    private void KeepCounted()
    {
        int kept = 1;
        for (int i = 1; i < TimesCount; i++)
        {
            if (Times[i] - Times[kept - 1] > 1000)
                Times[kept++] = Times[i];
        }

        TimesCount = kept;
    }
}
