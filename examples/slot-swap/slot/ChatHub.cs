using System.Collections.Concurrent;
using LiveSocket;
using Microsoft.AspNetCore.SignalR;

namespace SlotSwap;

/// <summary>The chat as a SignalR hub. Each message has a name, by which the two legs of a handover recognise it.</summary>
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

/// <summary>The connections of this process, which SignalR does not expose.</summary>
public sealed class LocalConnections
{
    public ConcurrentDictionary<string, bool> Here { get; } = [];

    /// <summary>Asks the clients of this process to hand over, and waits for them up to the deadline.</summary>
    public async Task Drain(IHubContext<ChatHub> hub, DrainOptions options, CancellationToken cancelled)
    {
        var until = Clock.Now + options.Deadline;
        foreach (var (connection, _) in Here)
        {
            // `Clients.All` would reach the clients of every slot, through Redis.
            await hub.Clients.Client(connection).SendAsync("reconnect", new { deadline = options.Deadline, reason = options.Reason }, cancelled);
            await Task.Delay(5, CancellationToken.None);
        }
        while (!Here.IsEmpty && Clock.Now < until && !cancelled.IsCancellationRequested) await Task.Delay(20, CancellationToken.None);
    }
}
