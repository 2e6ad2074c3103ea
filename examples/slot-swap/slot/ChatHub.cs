using System.Collections.Concurrent;
using LiveSocket;
using Microsoft.AspNetCore.SignalR;

namespace SlotSwap;

/// <summary>The chat as a SignalR hub. Each message has a name, by which the two legs of a handover are told from each other.</summary>
public sealed class ChatHub(LocalConnections local) : Hub
{
    public Task Say(object line) => Clients.All.SendAsync("chat", Guid.NewGuid().ToString("N"), line);

    public override Task OnConnectedAsync()
    {
        local.Here.TryAdd(Context.ConnectionId, true);
        return Task.CompletedTask;
    }

    public override Task OnDisconnectedAsync(Exception? error)
    {
        local.Here.TryRemove(Context.ConnectionId, out _);
        return Task.CompletedTask;
    }
}

/// <summary>The connections that this process has, which SignalR tells nobody.</summary>
public sealed class LocalConnections
{
    public ConcurrentDictionary<string, bool> Here { get; } = [];

    /// <summary>Asks who is here to hand over, and waits for those who know the word.</summary>
    public async Task Drain(IHubContext<ChatHub> hub, DrainOptions options, CancellationToken cancelled)
    {
        var until = Clock.Now + options.Deadline;
        foreach (var (connection, _) in Here)
        {
            // Not `Clients.All`: that goes through Redis to the clients of every slot.
            await hub.Clients.Client(connection).SendAsync("reconnect", new { deadline = options.Deadline, reason = options.Reason }, cancelled);
            await Task.Delay(5, CancellationToken.None);
        }
        while (!Here.IsEmpty && Clock.Now < until && !cancelled.IsCancellationRequested) await Task.Delay(20, CancellationToken.None);
    }
}
