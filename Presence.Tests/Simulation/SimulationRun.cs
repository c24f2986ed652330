using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Presence.Core.Assignment;
using Presence.Core.Events;
using Presence.Core.Log;
using Presence.Core.Log.Simulated;
using Presence.Core.Runtime;
using Presence.Core.Stages;
using Presence.Core.State.Simulated;

namespace Presence.Tests.Simulation;

/// <summary>
/// One seed: an instance with two workers works a town's records off while everything goes wrong; then the faults end, and
/// within a bounded time all must be worked off and be right.
/// </summary>
internal sealed class SimulationRun
{
    // Virtual time, from which on nothing goes wrong, and until which all must be settled. Converging takes longer than
    // any time-out and expiry of the cluster together.
    private readonly long _lastFault;
    private readonly long _end;
    private readonly SimulatedWorld _world;
    private readonly SimulatedCluster _cluster;
    private readonly SimulatedTown _town;
    private readonly InstanceOptions _options;
    private readonly SimulatedDisk[] _disks;
    private readonly SimulationChecks _checks;
    private readonly ILogger _logger;
    private readonly List<SimulatedProcess> _processes = [];
    private IReadOnlyDictionary<string, SimulatedStoreFile>? _image;
    private SimulatedProcess? _current;
    private int _incarnations;
    private int _written;

    private SimulationRun(int seed, double minutes, IEnumerable<SimulatedFault> excluded, Action<string>? trace)
    {
        _lastFault = (long)(minutes * 60e6 * 0.65);
        _end = (long)(minutes * 60e6);
        _world = new SimulatedWorld(seed) { Trace = trace };
        _world.Faults.Rate = 0.002 + (_world.Next(5) * 0.004);
        foreach (SimulatedFault fault in excluded)
            _world.Faults.Excluded.Add(fault);
        _cluster = new SimulatedCluster(_world);
        _town = SimulatedTown.Create(seed);
        _disks = [new SimulatedDisk(_world), new SimulatedDisk(_world)];
        _logger = trace is null ? NullLogger.Instance : new TraceLogger(trace, _world);
        _options = new InstanceOptions
        {
            ApplicationId = "presence",
            InstanceId = "i",
            Workers = 2,
            DeadLetterTopic = SimulatedTown.Names.DeadLetter,
            RecommitInterval = TimeSpan.FromSeconds(10),
            Bounds = SimulationChecks.Bounds,
            CreateIncarnationId = () => $"incarnation-{_incarnations++}",
        };
        foreach (TopicSpecification topic in TopicCatalog.Public(SimulatedTown.Names, SimulatedTown.Partitions, null))
            _cluster.CreateTopic(topic);
        // Made beforehand, as an operator may do: tombstones go soon.
        foreach (StageDefinition stage in SimulatedTown.Stages)
            _cluster.CreateTopic(new TopicSpecification(TopicCheck.ChangelogOf(_options, stage), SimulatedTown.Partitions, null, new Dictionary<string, string>(TopicCheck.ChangelogConfiguration) { ["delete.retention.ms"] = SimulationChecks.DeleteRetentionMs.ToString(System.Globalization.CultureInfo.InvariantCulture) }));
        _checks = new SimulationChecks(_cluster, _town, _disks, _options);
    }

    /// <summary>Runs a seed to its end.</summary>
    public static SimulationResult Run(int seed, double minutes = 10, IEnumerable<SimulatedFault>? excluded = null, Action<string>? trace = null)
    {
        SimulationRun run = new(seed, minutes, excluded ?? [], trace);
        string? failure = run.Play();
        return new SimulationResult(seed, failure, run._world.Hash, Enum.GetValues<SimulatedFault>().ToDictionary(f => f, run._world.Faults.CountOf), run._checks.Seen);
    }

    /// <summary>What a seed breaks; null: nothing. For callers that cannot name this assembly's other types.</summary>
    public static string? FailureOf(int seed) => Run(seed).Failure;

    private string? Play()
    {
        try
        {
            StartProcess(_disks[0]);
            _world.Faults.Active = true;
            WriteNext();
            PlanFault();
            Maintain();
            while (_world.RunNext(_lastFault))
                ;
            Calm();
            long settled = 0;
            while (_world.Now < _end)
            {
                Pass(1_000_000);
                bool isWorkedOff = Running() is not null && _written == _town.Records.Count && _checks.IsWorkedOff();
                settled = isWorkedOff ? settled + 1 : 0;
                if (settled == 5)
                    break;
            }

            if (settled < 5)
                throw new SimulationFailureException($"not settled {(_end - _lastFault) / 1e6:0} s after the last fault: {_checks.Lagging()}; instance {_current!.State}, {_current.Reason}; {string.Join(", ", _current.Instance.Status().Tasks.Select(t => t.Reason).OfType<string>().Distinct())}");
            _checks.Verify();
            // A commit whose answer is still on its way has not reached its store yet.
            for (int tries = 0; tries < 20 && _checks.Behind(Running()!.Disk) is not null; tries++)
                Pass(50_000);
            if (_checks.Behind(Running()!.Disk) is { } behind)
                throw new SimulationFailureException(behind);
            return null;
        }
        catch (SimulationFailureException e)
        {
            return e.Message;
        }
#pragma warning disable CA1031 // Whatever escapes from the runtime is a failure of the seed.
        catch (Exception e)
#pragma warning restore CA1031
        {
            return $"{e.GetType().Name}: {e.Message} {e.StackTrace?.Split('\n')[0]}";
        }
    }

    private void Pass(long microseconds)
    {
        long until = _world.Now + microseconds;
        while (_world.RunNext(until))
            ;
    }

    // The instance that runs, with all its tasks; null where there is none, or more than one.
    private SimulatedProcess? Running()
    {
        List<SimulatedProcess> running = _processes.FindAll(p => p is { IsAlive: true, IsPaused: false, State: InstanceState.Running });
        return running.Count == 1 && running[0].Instance.Status().Tasks.All(t => t.State == TaskState.Running) ? running[0] : null;
    }

    // A record every few hundredths of a second, so that all are written well before the last fault.
    private void WriteNext()
    {
        if (_written == _town.Records.Count)
            return;
        int burst = 1 + _world.Next(8);
        for (; burst > 0 && _written < _town.Records.Count; burst--)
        {
            (string topic, string key, string value) = _town.Records[_written++];
            _cluster.Append(topic, System.Text.Encoding.UTF8.GetBytes(key), System.Text.Encoding.UTF8.GetBytes(value), SimulatedClock.Epoch.ToUnixTimeMilliseconds() + (_world.Now / 1000));
        }

        _world.After(TimeSpan.FromMicroseconds(_lastFault * 0.95 * 4.5 / _town.Records.Count * (0.5 + (_world.Next(1000) / 1000.0))), WriteNext);
    }

    private void Maintain()
    {
        _cluster.Expire();
        foreach (SimulatedProcess process in _processes)
        {
            if (process.IsAlive)
                SimulationChecks.VerifyMemory(process.Instance.Status());
        }

        foreach (SimulatedTopic topic in _cluster.Topics.Values)
        {
            SimulatedPartition partition = topic.Partitions[_world.Next(topic.Partitions.Count)];
            bool strikes = _world.Chance(0.05);
            if (!strikes)
                continue;
            if (topic.IsCompacted)
            {
                // A topic with a compaction lag keeps what its readers have not read yet.
                long bound = topic.Configuration.ContainsKey("min.compaction.lag.ms") ? _checks.ReadByAll(partition) ?? 0 : long.MaxValue;
                if (_world.Faults.Happens(SimulatedFault.Compaction))
                    _cluster.Compact(topic, partition, bound);
            }
            else if (_checks.ReadByAll(partition) is { } read && read > partition.Start && _world.Faults.Happens(SimulatedFault.Retention))
            {
                partition.Truncate(partition.Start + _world.Next((int)(read - partition.Start) + 1));
            }
        }

        _world.After(TimeSpan.FromSeconds(1), Maintain);
    }

    private void PlanFault() => _world.After(_world.Span(500, 40_000), () =>
    {
        if (!_world.Faults.Active)
            return;
        Strike();
        PlanFault();
    });

    private void Strike()
    {
        SimulatedProcess process = _current!;
        int kind = _world.Next(12);
        int calls = 1 + _world.Next(_world.Next(2) == 0 ? 30 : 400);
        TimeSpan span = _world.Span(500, 20_000);
        switch (kind)
        {
            case 0 when process.IsAlive && _world.Faults.Happens(SimulatedFault.Crash):
                process.Kill();
                Restart(process);
                break;
            case 1 or 2 or 3 when process.IsAlive && _world.Faults.Happens(SimulatedFault.CrashInStep):
                process.KillAtCall(calls);
                break;
            case 4 when process.IsAlive && _world.Faults.Happens(SimulatedFault.PowerLoss):
                process.Kill();
                process.Disk.LosePower();
                Restart(process);
                break;
            case 5 when process.IsAlive && _world.Faults.Happens(SimulatedFault.Pause):
                process.Pause(span);
                break;
            case 6 or 7 when process is { IsAlive: true, IsPaused: false } && _world.Faults.Happens(SimulatedFault.Zombie):
                // Its place is taken on the other disk, sooner or later than it wakes up.
                process.Pause(span);
                _world.After(_world.Span(100, 6_000), () =>
                {
                    if (process == _current)
                        StartProcess(_disks.First(d => d != process.Disk));
                });
                break;
            case 8 when process.IsAlive && _world.Faults.Happens(SimulatedFault.CleanRestart):
                process.RequestStop();
                break;
            case 9 when _world.Faults.Happens(SimulatedFault.FullDisk):
                process.Disk.FullUntil = _world.Now + (long)(span.TotalMicroseconds / 4);
                break;
            case 10 or 11 when _world.Faults.Happens(SimulatedFault.BrokerDown):
                _cluster.StopBroker(_world.Next(_cluster.Options.Brokers), span / 2);
                break;
        }
    }

    // systemd and docker start again what ended.
    private void Restart(SimulatedProcess ended)
    {
        _world.After(_world.Span(200, _world.Next(8) == 0 ? 60_000 : 3_000), () =>
        {
            if (_current != ended)
                return;
            SimulatedDisk disk = ended.Disk;
            switch (_world.Next(12))
            {
                case 0 when _world.Faults.Happens(SimulatedFault.WipedDisk):
                    disk.Wipe();
                    break;
                case 1 when _image is not null && _world.Faults.Happens(SimulatedFault.SwappedDisk):
                    disk.Restore(_image);
                    break;
                case 2:
                    _image = disk.Image();
                    break;
            }

            StartProcess(disk);
        });
    }

    private void StartProcess(SimulatedDisk disk)
    {
        // The lock of the state directory: who holds it must be gone.
        if (_processes.Exists(p => p.IsAlive && p.Disk == disk))
        {
            _world.After(TimeSpan.FromSeconds(1), () => StartProcess(disk));
            return;
        }

        TimeSpan skew = _world.Faults.Happens(SimulatedFault.ClockSkew) ? TimeSpan.FromMilliseconds(_world.Next(10_000) - 5_000) : TimeSpan.Zero;
        disk.Close();
        _world.Note("start", _processes.Count);
        SimulatedProcess process = new(_cluster, disk, _options, SimulatedTown.Stages, skew, _logger, (crashed, where) =>
        {
            _world.Note(where);
            if (crashed == _current)
                Restart(crashed);
        });
        _processes.Add(process);
        _current = process;
        Watch(process);
    }

    // A process that ended by itself comes again; one that was replaced stays away.
    private void Watch(SimulatedProcess process) => _world.After(TimeSpan.FromMilliseconds(500), () =>
    {
        if (process != _current)
            return;
        if (process.State is InstanceState.Stopped or InstanceState.Failed)
            Restart(process);
        else if (process.IsAlive)
            Watch(process);
    });

    private void Calm()
    {
        _world.Note("calm");
        _world.Faults.Active = false;
        foreach (SimulatedProcess process in _processes)
            process.KillAtCall(int.MaxValue);
        foreach (SimulatedDisk disk in _disks)
            disk.FullUntil = 0;
    }
}
