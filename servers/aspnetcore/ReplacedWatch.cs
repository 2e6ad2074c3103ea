namespace LiveSocket;

/// <summary>
/// How a slot finds out that it was swapped: it asks its public address who answers. Once that has been another release, and never this
/// one, twenty times in a row, it drains; should the address be its own again, as after a swap back, the drain is cancelled.
/// </summary>
public sealed class ReplacedWatch : IAsyncDisposable
{
    /// <summary>In which <see cref="LiveServer.Health"/> names the release.</summary>
    public const string Header = "LiveSocket-Release";
    const int Answers = 20;
    readonly CancellationTokenSource stopped = new();
    readonly Task watching;

    /// <param name="url">Of <see cref="LiveServer.Health"/> at the public address.</param>
    /// <param name="every">Between two questions; four times as often while somebody else answers.</param>
    public ReplacedWatch(LiveServer server, Uri url, TimeSpan every, DrainOptions options)
    {
        var release = server.Options.Release ?? throw new ArgumentException("Give LiveOptions.Release: by it a slot is told from the one that replaced it");
        // Each question on a connection of its own: one that is kept leads to whom it has led.
        var http = new HttpClient(new SocketsHttpHandler { PooledConnectionLifetime = TimeSpan.Zero, AllowAutoRedirect = false }) { Timeout = TimeSpan.FromSeconds(5) };
        watching = Watch(server, () => Ask(http, url), release, every, options);
    }

    static async Task<string?> Ask(HttpClient http, Uri url)
    {
        try
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, url);
            request.Headers.ConnectionClose = true;
            using var response = await http.SendAsync(request);
            return response.Headers.TryGetValues(Header, out var said) ? said.First() : null;
        }
        catch (Exception failed) when (failed is HttpRequestException or OperationCanceledException) { return null; }
    }

    async Task Watch(LiveServer server, Func<Task<string?>> ask, string release, TimeSpan every, DrainOptions options)
    {
        var others = 0;
        var mine = false;
        while (!stopped.IsCancellationRequested)
        {
            try { await Task.Delay(others > 0 && !mine ? every / 4 : every, stopped.Token); }
            catch (OperationCanceledException) { return; }
            // Nobody answered, or nobody who says what runs there: that tells nothing.
            if (await ask() is not { } answers) continue;
            others = answers == release ? 0 : others + 1;
            if (others >= Answers && !server.Drain.Refusing)
            {
                mine = true;
                _ = server.Drain.Start(options);
            }
            else if (others == 0 && mine)
            {
                mine = false;
                server.Drain.Cancel();
            }
        }
    }

    /// <summary>What it began goes on.</summary>
    public async ValueTask DisposeAsync()
    {
        await stopped.CancelAsync();
        await watching;
    }
}
