using Presence.Core.State;
using RocksDbSharp;

namespace Presence.Host.RocksDb;

/// <summary>RocksDB's words, told apart: what is damaged must be rebuilt, everything else may pass.</summary>
internal static class RocksDbErrors
{
    public static StoreException Of(string what, RocksDbException e) =>
        new($"{what}: {e.Message}", e.Message.StartsWith("Corruption", StringComparison.OrdinalIgnoreCase), e);
}
