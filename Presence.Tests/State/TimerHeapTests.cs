using Presence.Core.State;

namespace Presence.Tests.State;

/// <summary>Held against a sorted set.</summary>
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
internal sealed class TimerHeapTests
{
    private const long Start = 1_700_000_000_000;

    private readonly TimerHeap _heap = new();
    private readonly SortedSet<(long Time, string Key, int Number)> _expected = new(Comparer<(long Time, string Key, int Number)>.Create(
        (x, y) => (x.Time, string.CompareOrdinal(x.Key, y.Key), x.Number).CompareTo((y.Time, 0, y.Number))));

    private int _number;

    // Spans of times and steps of the clock of every length; many timers at one time, as those of all midnights are.
    [Test]
    public void Timers_come_in_the_order_of_time_and_key_each_with_its_number([Range(1, 60)] int seed)
    {
        Random random = new(seed);
        long clock = seed % 5 == 0 ? -random.NextInt64(1L << 40) : Start;
        for (int step = 0; step < 3_000; step++)
        {
            switch (random.Next(12))
            {
                case 0 or 1 or 2 or 3 or 4 or 5:
                    Add(clock + random.NextInt64(1L << random.Next(34)), random);
                    break;
                case 6:
                    Add(clock - random.NextInt64(1L << random.Next(24)), random);
                    break;
                case 7:
                    Add(((clock / 86_400_000) + 1 + random.Next(3)) * 86_400_000, random);
                    break;
                case 8 or 9 or 10:
                    clock += random.NextInt64(1L << random.Next(seed % 7 == 0 ? 36 : 20));
                    for (int taken = random.Next(50); taken > 0 && TakeDue(clock); taken--)
                        ;
                    break;
                case 11 when random.Next(40) == 0:
                    KeepEarliest(random);
                    break;
                case 11 when random.Next(40) == 0:
                    // As an abort does, and the clock is where it was before.
                    Clear();
                    clock -= random.NextInt64(1L << random.Next(24));
                    break;
            }

            Assert.That(_heap.Count, Is.EqualTo(_expected.Count));
            if (_expected.Count > 0 && _expected.Min.Time <= clock)
                Assert.That(_heap.HasDue(clock), Is.True);
        }

        Assert.That(_heap.HasDue(long.MinValue), Is.False);
        while (TakeDue(long.MaxValue))
            ;
        Assert.That((_heap.Count, _expected.Count), Is.EqualTo((0, 0)));
    }

    [Test]
    public void Who_has_looked_knows_whether_a_timer_is_due([Range(1, 10)] int seed)
    {
        Random random = new(seed);
        for (int i = 0; i < 1_000; i++)
            Add(Start + random.NextInt64(1L << 32), random);
        for (long clock = Start; _expected.Count > 0; clock += random.NextInt64(1L << 28))
        {
            while (TakeDue(clock))
                ;
            Assert.That(_heap.HasDue(clock), Is.False);
        }
    }

    [Test]
    public void Nothing_but_what_it_returns_is_allocated_once_it_has_grown()
    {
        byte[] timer = new byte[StoreKeys.TimerHeader + 40];
        long clock = Start;
        Random random = new(1);
        void Turn()
        {
            for (int i = 0; i < 100_000; i++)
            {
                StoreKeys.WriteTimer(timer, clock + random.NextInt64(3_600_000), timer.AsSpan(StoreKeys.TimerHeader));
                _heap.Add(timer, i);
                clock += 400;
                while (_heap.TryPeekDue(clock, out _, out _))
                    _heap.Pop();
                if (i % 10_000 == 0)
                    _heap.KeepEarliest(_heap.Count - 1);
            }
        }

        Turn();
        Turn();
        Assert.That(_heap.Count, Is.GreaterThan(4_000));
        // The keys returned, and what the counter may be wrong by where anything is allocated. An array of all would be more with each cut.
        Assert.That(Allocated.By(Turn), Is.LessThan(20_000));
    }

    private void Add(long time, Random random)
    {
        string key = new('k', random.Next(3));
        byte[] timer = Timer(time, key);
        int number = _number++;
        _heap.Add(timer, number);
        _expected.Add((time, key, number));
    }

    private void Clear()
    {
        _heap.Clear();
        _expected.Clear();
    }

    // Equal ones come in any order.
    private bool TakeDue(long clock)
    {
        bool found = _heap.TryPeekDue(clock, out long time, out ReadOnlySpan<byte> timer);
        Assert.That(found, Is.EqualTo(_expected.Count > 0 && _expected.Min.Time <= clock));
        if (!found)
            return false;
        string key = System.Text.Encoding.ASCII.GetString(timer[StoreKeys.TimerHeader..]);
        Assert.That((time, key), Is.EqualTo((_expected.Min.Time, _expected.Min.Key)));
        Assert.That(StoreKeys.TimerTime(timer), Is.EqualTo(time));
        Assert.That(_expected.Remove((time, key, _heap.Pop())), Is.True);
        return true;
    }

    private void KeepEarliest(Random random)
    {
        if (_expected.Count < 2)
            return;
        int count = 1 + random.Next(_expected.Count - 1);
        byte[] dropped = _heap.KeepEarliest(count);
        (long Time, string Key, int) first = _expected.ElementAt(count);
        Assert.That(dropped, Is.EqualTo(Timer(first.Time, first.Key)));
        // Which of equal ones stay is not said.
        (long Time, string Key, int) last = _expected.ElementAt(count - 1);
        if ((last.Time, last.Key) == (first.Time, first.Key))
        {
            Clear();
            return;
        }

        foreach ((long, string, int) late in _expected.Skip(count).ToList())
            _expected.Remove(late);
    }

    private static byte[] Timer(long time, string key)
    {
        byte[] timer = new byte[StoreKeys.TimerHeader + key.Length];
        StoreKeys.WriteTimer(timer, time, System.Text.Encoding.ASCII.GetBytes(key));
        return timer;
    }
}
