using System.Net;
using System.Net.Sockets;

namespace Presence.Benchmarks;

/// <summary>Ports that nobody listens on at the moment.</summary>
internal static class FreePort
{
    /// <summary>One.</summary>
    public static int One()
    {
        using TcpListener listener = new(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    /// <summary>The first of two neighbours, below the range that outgoing connections use.</summary>
    public static int Pair()
    {
        Random random = new();
        while (true)
        {
            int port = random.Next(20_000, 32_000);
            try
            {
                using TcpListener first = new(IPAddress.Loopback, port), second = new(IPAddress.Loopback, port + 1);
                first.Start();
                second.Start();
                return port;
            }
            catch (SocketException)
            {
                // Taken: another one.
            }
        }
    }
}
