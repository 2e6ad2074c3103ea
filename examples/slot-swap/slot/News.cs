using System.Text;
using LiveSocket;
using Microsoft.AspNetCore.SignalR;

namespace SlotSwap;

/// <summary>Publishes 1, 2, 3, … each way, so many a second.</summary>
public sealed class News
{
    readonly CancellationTokenSource stopped = new();
    readonly Task<int> publishing;

    public News(double rate, PlainChat chat, IHubContext<ChatHub> hub, LiveServer server) =>
        publishing = Task.Run(async () =>
        {
            var begun = Clock.Now;
            for (var n = 0; ; n++)
            {
                while ((Clock.Now - begun) * rate / 1_000 < n + 1)
                {
                    if (stopped.IsCancellationRequested) return n;
                    await Task.Delay(2);
                }
                var json = $"{n + 1}";
                await Task.WhenAll(chat.Publish(json), server.Publish("chat", Encoding.UTF8.GetBytes(json)), hub.Clients.All.SendAsync("chat", $"news-{json}", n + 1));
            }
        });

    /// <summary>The last one.</summary>
    public Task<int> Stop()
    {
        stopped.Cancel();
        return publishing;
    }
}
