namespace LiveSocket;

/// <summary>See <see cref="LiveServer.DrainWhenReplaced"/>.</summary>
sealed class ReplacedWatch(Drain drain, Uri url, string release, DrainOptions options)
{
    /// <summary>The header in which <see cref="LiveServer.Health"/> names the release.</summary>
    public const string Header = "LiveSocket-Release";
    const int Answers = 20;
    /// <summary>Each question uses a connection of its own: a kept one leads to the server that it led to before.</summary>
    readonly HttpClient http = new(new SocketsHttpHandler { PooledConnectionLifetime = TimeSpan.Zero, AllowAutoRedirect = false })
    {
        Timeout = TimeSpan.FromSeconds(5),
        DefaultRequestHeaders = { ConnectionClose = true },
    };

    public async Task Run(TimeSpan every, CancellationToken stop)
    {
        var others = 0;
        // The drain that was started because of the other release.
        Task<DrainResult>? mine = null;
        using var timer = new PeriodicTimer(every);
        try
        {
            while (await timer.WaitForNextTickAsync(stop))
            {
                // No answer, or one that names no release, counts for nothing.
                if (await Ask(stop) is not { } answers) continue;
                others = answers == release ? 0 : others + 1;
                // Started only once: somebody who cancels it wants the legs to stay, whichever release answers.
                if (others >= Answers && mine is null && !drain.Refusing) mine = drain.Start(options);
                else if (others == 0 && mine is not null)
                {
                    drain.Cancel(mine);
                    mine = null;
                }
                timer.Period = others > 0 && mine is null ? every / 4 : every;
            }
        }
        // The drain that it started goes on.
        catch (OperationCanceledException) { }
    }

    async Task<string?> Ask(CancellationToken stop)
    {
        try
        {
            using var response = await http.GetAsync(url, HttpCompletionOption.ResponseHeadersRead, stop);
            return response.Headers.TryGetValues(Header, out var said) ? said.First() : null;
        }
        catch (Exception failed) when (failed is HttpRequestException || failed is OperationCanceledException && !stop.IsCancellationRequested) { return null; }
    }
}
