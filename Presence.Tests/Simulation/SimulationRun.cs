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
/// One seed: a fleet of one to seven instances works a town's records off while everything goes wrong; then the faults end,
/// and within a bounded time all must be worked off and be right.
/// </summary>
internal sealed class SimulationRun
{
    // Virtual time, from which on nothing goes wrong, and until which all must be settled. Converging takes longer than
    // any time-out and expiry of the cluster together.
    private readonly long _lastFault;
    private readonly long _end;
    private readonly SimulatedWorld _world;
    private readonly SimulatedCluster _cluster;
    private readonly bool _onlyOutages;
    private readonly SimulatedTown _town;
    private readonly SimulatedMachine[] _machines;
    private readonly SimulationChecks _checks;
    private readonly ILogger _logger;
    private readonly List<SimulatedProcess> _processes = [];
    private readonly Dictionary<string, int> _refused = [];
    private int _incarnations;
    private int _written;
    private long _rushUntil;
    private long _planRead;

    private SimulationRun(int seed, double minutes, IEnumerable<SimulatedFault> excluded, Action<string>? trace)
    {
        _lastFault = (long)(minutes * 60e6 * 0.65);
        _end = (long)(minutes * 60e6);
        _world = new SimulatedWorld(seed) { Trace = trace };
        // Some see nothing but brokers that are away: nobody is to be taken for dead then.
        _onlyOutages = _world.Next(10) == 0;
        _world.Faults.Rate = _onlyOutages ? 0 : 0.002 + (_world.Next(5) * 0.004);
        foreach (SimulatedFault fault in excluded)
            _world.Faults.Excluded.Add(fault);
        _cluster = new SimulatedCluster(_world);
        _town = SimulatedTown.Create(seed);
        _logger = trace is null ? NullLogger.Instance : new TraceLogger(trace, _world);
        // Half of them alone: what goes wrong within one instance shows sooner, and in a quarter of the time.
        int size = Math.Max(1, _world.Next(14) - 6);
        int standbys = _world.Next(3);
        TimeSpan grace = TimeSpan.FromSeconds(_world.Next(30));
        _machines = [.. Enumerable.Range(0, size).Select(i => new SimulatedMachine(Options(i, standbys, grace), [new SimulatedDisk(_world), new SimulatedDisk(_world)]))];
        foreach (TopicSpecification topic in TopicCatalog.Public(SimulatedTown.Names, SimulatedTown.Partitions, null))
            _cluster.CreateTopic(topic);
        // Made beforehand, as an operator may do: tombstones go soon.
        foreach (StageDefinition stage in SimulatedTown.Stages)
            _cluster.CreateTopic(new TopicSpecification(TopicCheck.ChangelogOf(_machines[0].Options, stage), SimulatedTown.Partitions, null, new Dictionary<string, string>(TopicCheck.ChangelogConfiguration) { ["delete.retention.ms"] = SimulationChecks.DeleteRetentionMs.ToString(System.Globalization.CultureInfo.InvariantCulture) }));
        _checks = new SimulationChecks(_cluster, _town, _machines);
        _cluster.OnCommitDecided = OnCommit;
    }

    private InstanceOptions Options(int index, int standbys, TimeSpan grace) => new()
    {
        ApplicationId = "presence",
        InstanceId = $"i{index}",
        Rack = index % 2 == 0 ? "east" : "west",
        Workers = 1 + (index % 2),
        StandbyReplicas = standbys,
        RestartGrace = grace,
        // Below the transaction time-out of the cluster, as it must be: what is stuck may still hold a transaction when its tasks are given away.
        StuckLimit = TimeSpan.FromSeconds(7),
        AcceptableLag = 20,
        ObsoleteAfter = TimeSpan.FromSeconds(15),
        WarmingMax = 3,
        DeadLetterTopic = SimulatedTown.Names.DeadLetter,
        RecommitInterval = TimeSpan.FromSeconds(10),
        Bounds = SimulationChecks.Bounds,
        StoreBounds = SimulationChecks.StoreBounds,
        CreateIncarnationId = () => $"incarnation-{_incarnations++}",
    };

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
            foreach (SimulatedMachine machine in _machines)
                _world.After(_world.Span(0, 8_000), () => StartProcess(machine, machine.Disks[0]));
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
                bool isWorkedOff = _written == _town.Records.Count && _checks.IsWorkedOff() && Unready() is null;
                settled = isWorkedOff ? settled + 1 : 0;
                if (settled == 5)
                    break;
            }

            if (settled < 5)
            {
                throw new SimulationFailureException(
                    $"not settled {(_end - _lastFault) / 1e6:0} s after the last fault: {_checks.Lagging()}; {Unready()}; "
                    + string.Join(" | ", _machines.Select(m => m.Current?.Instance).OfType<Instance>().Select(i => $"{i.State} {i.Reason}: {string.Join(", ", i.Status().Tasks.Select(t => t.Reason).OfType<string>().Distinct())}")));
            }

            _checks.Verify(_onlyOutages);
            // A commit whose answer is still on its way, or that is too young to be written, has not reached its store yet.
            IReadOnlyDictionary<SimulatedPartition, long> committed = _checks.Committed();
            for (int tries = 0; tries < 80 && Behind(committed) is not null; tries++)
                Pass(50_000);
            if (Behind(committed) is { } behind)
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

    // What is missing until each task runs in one place and has all its replicas ready; null: nothing.
    private string? Unready()
    {
        List<SimulatedProcess> alive = _processes.FindAll(p => p.IsAlive);
        if (alive.Find(p => p.IsPaused || p.State != InstanceState.Running) is { } waiting)
            return $"a process is {waiting.State}, {waiting.Reason}";
        if (alive.Count != _machines.Count(m => !m.IsAway))
            return $"{alive.Count} processes of {_machines.Count(m => !m.IsAway)} instances";
        List<Core.Runtime.TaskStatus> all = [.. alive.SelectMany(p => p.Instance.Status().Tasks)];
        int replicas = Math.Min(_machines[0].Options.StandbyReplicas, alive.Count - 1);
        foreach (StageDefinition stage in SimulatedTown.Stages)
        {
            for (int partition = 0; partition < SimulatedTown.Partitions; partition++)
            {
                List<Core.Runtime.TaskStatus> copies = all.FindAll(t => t.Task == new TaskId(stage.Name, partition) && t.State == TaskState.Running);
                if (copies.Count(c => c.Role == "active") != 1 || copies.Count(c => c.Role == "standby") != replicas)
                    return $"{stage.Name}-{partition}: {string.Join(", ", all.FindAll(t => t.Task == new TaskId(stage.Name, partition)).Select(c => $"{c.Role} {c.State}"))}; wanted are one active and {replicas} standbys";
            }
        }

        return null;
    }

    // A worker that is stuck writes nothing, and its instance may be on its way out.
    private string? Behind(IReadOnlyDictionary<SimulatedPartition, long> committed) => _processes.FindAll(p => p is { IsAlive: true, IsStuck: false, State: InstanceState.Running }).Select(p => _checks.Behind(p.Disk, p.Instance.Status(), committed)).FirstOrDefault(b => b is not null);

    // A record every few hundredths of a second, so that all are written well before the last fault.
    private void WriteNext()
    {
        if (_written == _town.Records.Count)
            return;
        Write(1 + _world.Next(8));
        int left = _town.Records.Count - _written;
        double pace = Math.Max(0, (_lastFault * 0.95) - _world.Now) * Math.Min(4.5, left) / Math.Max(1, left);
        _world.After(TimeSpan.FromMicroseconds(pace * (0.5 + (_world.Next(1000) / 1000.0))), WriteNext);
    }

    // Some every few milliseconds, as long as enough are left for the rest of the time.
    private void Rush()
    {
        bool isEarly = _written < _town.Records.Count * (0.3 + (0.7 * _world.Now / _lastFault));
        if (_world.Now >= _rushUntil || !isEarly)
            return;
        Write(1 + _world.Next(2));
        _world.After(_world.Span(0.5, 25), Rush);
    }

    private void Write(int records)
    {
        for (; records > 0 && _written < _town.Records.Count; records--)
        {
            (string topic, string key, string value) = _town.Records[_written++];
            _cluster.Append(topic, System.Text.Encoding.UTF8.GetBytes(key), System.Text.Encoding.UTF8.GetBytes(value), SimulatedClock.Epoch.ToUnixTimeMilliseconds() + (_world.Now / 1000));
        }
    }

    // Where a plan takes a running task from its holder, much comes in while that lets it go, and steps take long: so that
    // something of it is processed and not committed yet.
    private void OnCommit(string transactionalId)
    {
        if (_machines.Length == 1 || transactionalId != $"{_machines[0].Options.ApplicationId}-planner")
            return;
        bool isMoving = false;
        SimulatedPartition control = _cluster.Find(new TopicPartition(ControlTopics.ControlOf(_machines[0].Options.ApplicationId), 0))!;
        for (int i = control.IndexOf(_planRead); i < control.Records.Count; i++)
            isMoving |= TakesAway(control.Records[i]);
        _planRead = control.End;
        if (!isMoving || _world.Now < _rushUntil)
            return;
        _rushUntil = _world.Now + 400_000;
        Rush();
        foreach (SimulatedProcess process in _processes)
        {
            if (process.IsAlive && !_onlyOutages && _world.Faults.Happens(SimulatedFault.SlowMachine))
                process.SlowDown(TimeSpan.FromMilliseconds(_world.Next(1_000)));
        }
    }

    // Whether a record of the control log tells somebody to release a task that reads what the town writes most of.
    private static bool TakesAway(SimulatedRecord record)
    {
        string key = record.Key is null ? "" : System.Text.Encoding.UTF8.GetString(record.Key);
        return record.Value is not null
            && key.StartsWith(PlanShare.KeyPrefix, StringComparison.Ordinal)
            && PlanShare.Read(key[PlanShare.KeyPrefix.Length..], record.Value)!.Entries.Any(e => e.Role == ReplicaRole.Releasing && e.Task.Stage == SimulatedTown.Stages[0].Name);
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
        SimulatedMachine machine = _machines[_world.Next(_machines.Length)];
        int kind = _onlyOutages ? 10 : _world.Next(23);
        int calls = 1 + _world.Next(_world.Next(2) == 0 ? 30 : 400);
        TimeSpan span = _world.Span(500, 20_000);
        if (machine.Current is not { } process)
            return;
        switch (kind)
        {
            case 0 when process.IsAlive && _world.Faults.Happens(SimulatedFault.Crash):
                process.Kill();
                Restart(machine, process);
                break;
            case 1 or 2 or 3 when process.IsAlive && _world.Faults.Happens(SimulatedFault.CrashInStep):
                process.KillAtCall(calls);
                break;
            case 4 when process.IsAlive && _world.Faults.Happens(SimulatedFault.PowerLoss):
                process.Kill();
                process.Disk.LosePower();
                Restart(machine, process);
                break;
            case 5 when process.IsAlive && _world.Faults.Happens(SimulatedFault.Pause):
                process.Pause(span);
                break;
            case 6 or 7 when process is { IsAlive: true, IsPaused: false } && _world.Faults.Happens(SimulatedFault.Zombie):
                // Its place is taken on the other disk, sooner or later than it wakes up.
                process.Pause(span);
                _world.After(_world.Span(100, 6_000), () =>
                {
                    if (process == machine.Current)
                        StartProcess(machine, machine.Disks.First(d => d != process.Disk));
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
            case 12 when process.IsAlive && _machines.Count(m => !m.IsAway) > 1 && _world.Faults.Happens(SimulatedFault.Scaling):
                machine.IsAway = true;
                process.RequestStop();
                _world.After(span * 4, () => Return(machine));
                break;
            case 13 when _world.Faults.Happens(SimulatedFault.RollingRestart):
                for (int i = 0; i < _machines.Length; i++)
                {
                    SimulatedMachine next = _machines[i];
                    _world.After(_world.Span(1_000, 4_000) * (i + 1), () => next.Current?.RequestStop());
                }

                break;
            case 15 when process.IsAlive && _world.Faults.Happens(SimulatedFault.StuckWorker):
                // Often so that it wakes up when its tasks have just been given away, and its process has not ended yet.
                process.Stick(_world.Next(2) == 0 ? _world.Span(8_000, 16_000) : _world.Span(2_000, 40_000));
                break;
            case 16 or 17 when process.IsAlive && _world.Faults.Happens(SimulatedFault.SlowMachine):
                process.SlowDown(span * 2);
                break;
            case 18 or 19 when process.IsAlive && _world.Faults.Happens(SimulatedFault.HeldReads):
                // Of plans more than of announcements: a deputy then takes a planner that lives for silent, and a
                // planner does not see what it has written.
                process.HoldReads(_world.Next(3) == 0 ? ControlTopics.FleetOf(machine.Options.ApplicationId) : ControlTopics.ControlOf(machine.Options.ApplicationId), _world.Span(200, 15_000));
                break;
            case 20 or 21 when _world.Faults.Happens(SimulatedFault.AccessDenied):
                Deny(span);
                break;
            case 22:
                Refuse(span);
                break;
            case 14 when _world.Next(4) == 0 && _world.Faults.Happens(SimulatedFault.FleetDown):
                foreach (SimulatedMachine each in _machines.Where(m => m.Current is { IsAlive: true }))
                {
                    SimulatedProcess ended = each.Current!;
                    ended.Kill();
                    Restart(each, ended);
                }

                break;
        }
    }

    private void Deny(TimeSpan span)
    {
        string[] topics = [.. _cluster.Topics.Keys];
        string what = _world.Next(5) == 0 ? $"{_machines[0].Options.ApplicationId}-planner" : topics[_world.Next(topics.Length)];
        _cluster.Denied.Add(what);
        _world.After(span, () => _cluster.Denied.Remove(what));
    }

    // The next batches to some topic, but of one producer only so many that none of its records stands alone for long
    // enough to be taken for the culprit: what comes out stays as it is defined.
    private void Refuse(TimeSpan span)
    {
        string[] topics = [.. _cluster.Topics.Keys];
        string topic = topics[_world.Next(topics.Length)];
        long until = _world.Now + (long)span.TotalMicroseconds;
        _cluster.Refuses = (id, partition) =>
        {
            int before = _refused.GetValueOrDefault(id);
            if (partition.Topic != topic || _world.Now > until || before > WorkerBounds.AbortsBeforeSearch || !_world.Faults.Happens(SimulatedFault.BatchRefused))
                return false;
            _refused[id] = before + 1;
            return true;
        };
    }

    private void Return(SimulatedMachine machine)
    {
        if (!machine.IsAway)
            return;
        machine.IsAway = false;
        // One that gives up lives on for a while, and was not started again while its machine was away.
        if (machine.Current is { } last && (!last.IsAlive || last.State is InstanceState.Stopped or InstanceState.Failed))
            StartProcess(machine, last.Disk);
    }

    // systemd and docker start again what ended.
    private void Restart(SimulatedMachine machine, SimulatedProcess ended)
    {
        _world.After(_world.Span(200, _world.Next(8) == 0 ? 60_000 : 3_000), () =>
        {
            if (machine.Current != ended || machine.IsAway)
                return;
            SimulatedDisk disk = ended.Disk;
            switch (_world.Next(12))
            {
                case 0 when _world.Faults.Happens(SimulatedFault.WipedDisk):
                    disk.Wipe();
                    break;
                case 1 when machine.Image is not null && _world.Faults.Happens(SimulatedFault.SwappedDisk):
                    disk.Restore(machine.Image);
                    break;
                case 2:
                    machine.Image = disk.Image();
                    break;
            }

            StartProcess(machine, disk);
        });
    }

    private void StartProcess(SimulatedMachine machine, SimulatedDisk disk)
    {
        // The lock of the state directory: who holds it must be gone.
        if (_processes.Exists(p => p.IsAlive && p.Disk == disk))
        {
            SimulatedProcess? before = machine.Current;
            _world.After(TimeSpan.FromSeconds(1), () =>
            {
                if (machine.Current == before)
                    StartProcess(machine, disk);
            });
            return;
        }

        TimeSpan skew = _world.Faults.Happens(SimulatedFault.ClockSkew) ? TimeSpan.FromMilliseconds(_world.Next(10_000) - 5_000) : TimeSpan.Zero;
        disk.Close();
        _world.Note("start", _processes.Count);
        SimulatedProcess process = new(_cluster, disk, machine.Options, SimulatedTown.Stages, skew, _logger, (crashed, where) =>
        {
            _world.Note(where);
            if (crashed == machine.Current)
                Restart(machine, crashed);
        });
        _processes.Add(process);
        machine.Current = process;
        Watch(machine, process);
    }

    // A process that ended by itself comes again; one that was replaced stays away.
    private void Watch(SimulatedMachine machine, SimulatedProcess process) => _world.After(TimeSpan.FromMilliseconds(500), () =>
    {
        if (process != machine.Current)
            return;
        if (process.State is InstanceState.Stopped or InstanceState.Failed)
            Restart(machine, process);
        else if (process.IsAlive)
            Watch(machine, process);
    });

    private void Calm()
    {
        _world.Note("calm");
        _world.Faults.Active = false;
        _cluster.Denied.Clear();
        foreach (SimulatedProcess process in _processes)
            process.KillAtCall(int.MaxValue);
        foreach (SimulatedDisk disk in _machines.SelectMany(m => m.Disks))
            disk.FullUntil = 0;
        foreach (SimulatedMachine machine in _machines)
            Return(machine);
    }
}
