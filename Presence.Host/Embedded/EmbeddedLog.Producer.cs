using Presence.Core.Log;
using RocksDbSharp;

namespace Presence.Host.Embedded;

public sealed partial class EmbeddedLog
{
    /// <summary>A transactional producer of the embedded log; its id belongs to whoever initialised it last.</summary>
    internal sealed class EmbeddedProducer(EmbeddedLog log, string transactionalId) : ITransactionalProducer
    {
        private readonly Dictionary<TopicPartition, long> _tracked = [];
        private readonly Dictionary<TopicPartition, long> _tracking = [];
        private EmbeddedTransaction? _transaction;
        private string? _fatal;

        public LogResult Init(TimeSpan timeout)
        {
            lock (log._gate)
            {
                if (log._producers.TryGetValue(transactionalId, out EmbeddedProducer? older) && older != this)
                    older.Fence();
                log._producers[transactionalId] = this;
                return LogResult.Ok;
            }
        }

        public LogResult Begin()
        {
            lock (log._gate)
            {
                if (Refused() is { } refused)
                    return refused;
                _transaction = log.Open();
                _tracking.Clear();
                return LogResult.Ok;
            }
        }

        public LogResult Produce(TopicPartition partition, ReadOnlySpan<byte> key, bool hasKey, ReadOnlySpan<byte> value, bool hasValue, long timestamp, ReadOnlySpan<RecordHeader> headers, bool trackOffset)
        {
            lock (log._gate)
            {
                if (Refused() is { } refused)
                    return refused;
                LogResult result = log.Append(_transaction!, partition, key, hasKey, value, hasValue, timestamp, headers, out long offset);
                if (result.IsOk && trackOffset)
                    _tracking[partition] = offset;
                return result;
            }
        }

        public LogResult SendOffsets(IReadOnlyList<GroupOffsets> groups, TimeSpan timeout)
        {
            lock (log._gate)
            {
                if (Refused() is { } refused)
                    return refused;
                foreach ((string group, List<(TopicPartition, long)> offsets) in groups)
                {
                    foreach ((TopicPartition partition, long offset) in offsets)
                        _transaction!.Offsets[(group, partition)] = offset;
                }

                return LogResult.Ok;
            }
        }

        public LogResult Commit(TimeSpan timeout)
        {
            lock (log._gate)
            {
                if (Refused() is { } refused)
                    return refused;
                try
                {
                    log.Commit(_transaction!);
                }
                catch (RocksDbException e)
                {
                    return new LogResult(LogStatus.Abortable, $"the embedded log cannot be written: {e.Message}", OutsideCause: true);
                }

                _transaction = null;
                _tracked.Clear();
                foreach ((TopicPartition partition, long offset) in _tracking)
                    _tracked[partition] = offset;
                return LogResult.Ok;
            }
        }

        public LogResult Abort(TimeSpan timeout)
        {
            lock (log._gate)
            {
                if (Refused() is { } refused)
                    return refused;
                EndOpen();
                return LogResult.Ok;
            }
        }

        public long? TrackedOffset(TopicPartition partition) => _tracked.TryGetValue(partition, out long offset) ? offset : null;

        public void Dispose()
        {
            lock (log._gate)
            {
                EndOpen();
                if (log._producers.TryGetValue(transactionalId, out EmbeddedProducer? current) && current == this)
                    log._producers.Remove(transactionalId);
            }
        }

        private void Fence()
        {
            _fatal = $"the transactional id {transactionalId} was initialised by another producer";
            EndOpen();
        }

        private void EndOpen()
        {
            if (_transaction is null)
                return;
            log.End(_transaction);
            _transaction = null;
        }

        private LogResult? Refused() =>
            _fatal is not null ? new LogResult(LogStatus.Fatal, _fatal, OutsideCause: true, IsFenced: true)
            : log._disposed ? new LogResult(LogStatus.Fatal, "the embedded log is closed", OutsideCause: true)
            : null;
    }
}
