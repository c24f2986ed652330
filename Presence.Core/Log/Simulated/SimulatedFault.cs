namespace Presence.Core.Log.Simulated;

/// <summary>What can go wrong in a simulated world.</summary>
public enum SimulatedFault
{
    /// <summary>A request never arrives; the client sends it again after its time-out.</summary>
    LostRequest,

    /// <summary>A request is carried out and its answer never arrives; the client sends it again.</summary>
    LostAnswer,

    /// <summary>A request or an answer takes long.</summary>
    SlowNetwork,

    /// <summary>A broker is away for a while, with the partitions and coordinators it leads.</summary>
    BrokerDown,

    /// <summary>Records could not be delivered in time (they may be in the log): the transaction must be aborted.</summary>
    DeliveryFailed,

    /// <summary>The client's send queue is full.</summary>
    QueueFull,

    /// <summary>A fetch is answered with what was true a while ago.</summary>
    StaleFetch,

    /// <summary>A process reads nothing of one topic for a while, and nothing says so; everything else goes on.</summary>
    HeldReads,

    /// <summary>A partition cannot be reached, and the consumer says so.</summary>
    Unreachable,

    /// <summary>A question to the log is refused.</summary>
    QuestionRefused,

    /// <summary>A topic may not be read, or a transactional id not be used, for a while.</summary>
    AccessDenied,

    /// <summary>A broker refuses a batch that the client has taken, as one longer than its topic allows.</summary>
    BatchRefused,

    /// <summary>The process dies (SIGKILL) between two steps.</summary>
    Crash,

    /// <summary>The process dies within a step, right before or after a call that changes something.</summary>
    CrashInStep,

    /// <summary>The machine dies: what the disk had not synced is gone.</summary>
    PowerLoss,

    /// <summary>The process stands still (SIGSTOP) and goes on later.</summary>
    Pause,

    /// <summary>Every step of a process takes longer for a while: its machine has other things to do.</summary>
    SlowMachine,

    /// <summary>One worker of a process does not come back from a step for a while.</summary>
    StuckWorker,

    /// <summary>Another process takes the instance's place while it stands still; it wakes up as a zombie.</summary>
    Zombie,

    /// <summary>The process ends cleanly and comes back.</summary>
    CleanRestart,

    /// <summary>An instance is taken out of the fleet for a while.</summary>
    Scaling,

    /// <summary>All instances end cleanly and come back, one after the other.</summary>
    RollingRestart,

    /// <summary>All processes die at once.</summary>
    FleetDown,

    /// <summary>It comes back without its disk.</summary>
    WipedDisk,

    /// <summary>It comes back on the disk of another time.</summary>
    SwappedDisk,

    /// <summary>The disk takes no more for a while.</summary>
    FullDisk,

    /// <summary>A write takes long: the loop that waits for it stands still.</summary>
    SlowDisk,

    /// <summary>A store cannot be trusted when it is opened.</summary>
    CorruptStore,

    /// <summary>The wall clock of a process is wrong by some seconds.</summary>
    ClockSkew,

    /// <summary>An open transaction outlives its time-out and is aborted by the coordinator.</summary>
    TransactionTimedOut,

    /// <summary>A transactional id that was quiet for long is forgotten.</summary>
    IdExpired,

    /// <summary>The offsets of a quiet input are forgotten.</summary>
    OffsetsExpired,

    /// <summary>A compacted topic is compacted.</summary>
    Compaction,

    /// <summary>A topic loses what its retention has passed.</summary>
    Retention,
}
