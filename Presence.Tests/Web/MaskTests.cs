using Presence.Host.Web.Board;

namespace Presence.Tests.Web;

[Parallelizable(ParallelScope.All)]
public sealed class MaskTests
{
    [TestCase("aa:bb:cc:dd:ee:ff", "…ee:ff")]
    [TestCase("aabbccddeeff", "…eeff")]
    [TestCase("abc", "…c")]
    [TestCase("ab", "…")]
    [TestCase("-----", "…")]
    public void Of_a_device_the_end_is_shown_and_never_most_of_it(string device, string masked) => Assert.That(Mask.Device(device), Is.EqualTo(masked));

    [TestCase("Ada Lovelace", "A•••")]
    [TestCase("😀 Smith", "😀•••")]
    [TestCase("", "•••")]
    public void Of_a_contact_the_initial_is_shown(string text, string masked) => Assert.That(Mask.Text(text), Is.EqualTo(masked));
}
