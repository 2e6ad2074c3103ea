using System.Text;
using LiveSocket;
using Microsoft.AspNetCore.SignalR;

namespace SlotSwap;

/// <summary>Publishes 1, 2, 3, … in these ways, at `rate` messages per second.</summary>
public sealed class News
{
    readonly CancellationTokenSource stopped = new();
    readonly Task<int> publishing;

    public News(double rate, string[] ways, PlainChat chat, IHubContext<ChatHub> hub, LiveServer server)
    {
        Task Publish(string way, int n) => way switch
        {
            "plain" => chat.Publish($"{n}"),
            "live" => server.Publish("chat", Encoding.UTF8.GetBytes($"{n}")),
            _ => hub.Clients.All.SendAsync("chat", $"news-{n}", n),
        };
        publishing = Task.Run(async () =>
        {
            var begun = Clock.Now;
            var n = 0;
            while (!stopped.IsCancellationRequested)
            {
                await Task.Delay(2);
                var due = (int)((Clock.Now - begun) * rate / 1_000) - n;
                // Messages that are due together are sent together, in order.
                await Task.WhenAll(Enumerable.Range(n + 1, Math.Min(due, 100)).SelectMany(one => ways.Select(way => Publish(way, one))).ToArray());
                n += Math.Min(due, 100);
            }
            return n;
        });
    }

    /// <summary>Stops, and returns the last number.</summary>
    public Task<int> Stop()
    {
        stopped.Cancel();
        return publishing;
    }
}
