using Presence.Core.Log;
using Presence.Core.Stages;

namespace Presence.Core.Runtime;

/// <summary>What a stage sees of its task.</summary>
public sealed partial class StreamTask
{
    private sealed class Context(StreamTask task) : ITaskContext
    {
        public long Clock => task._clock;

        public long WallClock => task._wallClock;

        public long StreamTime(int input) => task.Inputs[input].StreamTime;

        public bool TryGet(ReadOnlySpan<byte> key, out ReadOnlySpan<byte> value) => task._store.TryGet(key, out value);

        public void Put(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value) => task._store.Put(key, value);

        public void Delete(ReadOnlySpan<byte> key) => task._store.Delete(key);

        public void Emit(int output, ReadOnlySpan<byte> key, ReadOnlySpan<byte> value, long timestamp) =>
            task._outbox.Add(Target(output, key), key, true, value, true, timestamp);

        public void EmitTombstone(int output, ReadOnlySpan<byte> key, long timestamp) =>
            task._outbox.Add(Target(output, key), key, true, default, false, timestamp);

        public void Count(int counter) => task._tally.Counted(counter);

        private TopicPartition Target(int output, ReadOnlySpan<byte> key) =>
            new(task._definition.Outputs[output], Partitioner.Of(key, task._topics.OutputPartitions[output]));
    }
}
