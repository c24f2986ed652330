using Microsoft.Extensions.Configuration;
using Presence.Host.Configuration;
using Presence.Host.Hosting;
using Presence.Host.Kafka;

namespace Presence.Tests.Hosting;

[Parallelizable(ParallelScope.All)]
internal sealed class MemoryBudgetTests
{
    private const long MiB = 1024 * 1024;

    [TestCase("0::/", "", 512, 512L, TestName = "A container sees its own limit")]
    [TestCase("0::/system.slice/presence.service", "system.slice/presence.service", 512, 512L, TestName = "A service's limit is that of its group")]
    [TestCase("0::/system.slice/presence.service", "system.slice", 700, 700L, TestName = "A limit further up holds too")]
    [TestCase("5:memory:/docker/x", null, 300, 300L, TestName = "Version 1 has a file of its own")]
    public void The_limit_is_read_where_the_kernel_has_it(string line, string? group, long limit, long expected)
    {
        string root = Root(line);
        string file = group is null ? "sys/fs/cgroup/memory/memory.limit_in_bytes" : Path.Join("sys/fs/cgroup", group, "memory.max");
        Directory.CreateDirectory(Path.GetDirectoryName(Path.Join(root, file))!);
        File.WriteAllText(Path.Join(root, file), $"{limit * MiB}\n");
        Assert.That(ContainerMemory.Limit(root), Is.EqualTo(expected * MiB));
        Directory.Delete(root, recursive: true);
    }

    [Test]
    public void No_limit_is_none()
    {
        string root = Root("0::/a");
        Assert.That(ContainerMemory.Limit(root), Is.Null);
        Directory.CreateDirectory(Path.Join(root, "sys/fs/cgroup/a"));
        Directory.CreateDirectory(Path.Join(root, "sys/fs/cgroup/memory"));
        File.WriteAllText(Path.Join(root, "sys/fs/cgroup/a/memory.max"), "max\n");
        File.WriteAllText(Path.Join(root, "sys/fs/cgroup/memory/memory.limit_in_bytes"), "9223372036854771712\n");
        Assert.That(ContainerMemory.Limit(root), Is.Null);
        Directory.Delete(root, recursive: true);
    }

    [Test]
    public void What_cannot_fit_is_an_error_and_what_may_not_suffice_is_said()
    {
        PresenceOptions presence = new() { Workers = 2 };
        MemoryBudget budget = MemoryBudget.Of(new Settings(presence, new KafkaOptions { BootstrapServers = "k:9092" }, new ConfigurationBuilder().Build()));
        Assert.That(budget.Shared, Is.EqualTo((256 + 128 + 160 + 576 + 160) * MiB));
        Assert.That(budget.PerTask, Is.EqualTo(12 * MiB));
        Assert.That(budget.Problem(383 * MiB), Does.Contain("383 MiB").And.Contain($"at most {383 * MiB}").And.Contain("Presence:RocksDb:BlockCacheBytes: '268435456'"));
        Assert.That(budget.Problem(384 * MiB), Is.Null);
        Assert.That(budget.Problem(null), Is.Null);
        Assert.That(budget.MayExceed(1279 * MiB), Is.True);
        Assert.That(budget.MayExceed(1280 * MiB), Is.False);
        Assert.That(budget.MayExceed(null), Is.False);
        Assert.That(budget.Describe(1024 * MiB), Does.Contain("1280 MiB at most").And.Contain("12 MiB for each task").And.Contain("of 1024 MiB"));
    }

    private static string Root(string line)
    {
        string root = Directory.CreateTempSubdirectory("presence-cgroup-").FullName;
        Directory.CreateDirectory(Path.Join(root, "proc/self"));
        File.WriteAllText(Path.Join(root, "proc/self/cgroup"), line + "\n");
        return root;
    }
}
