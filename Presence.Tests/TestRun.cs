using Presence.Tests.Kafka;

namespace Presence.Tests;

/// <summary>What outlives single tests ends with the run, whichever tests it had.</summary>
[SetUpFixture]
internal sealed class TestRun
{
    [OneTimeTearDown]
    public static Task End() => TestKafka.Stop();
}
