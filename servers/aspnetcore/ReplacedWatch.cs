namespace LiveSocket;

/// <summary>See <see cref="LiveServer.DrainWhenReplaced"/>.</summary>
sealed class ReplacedWatch(Drain drain, Uri url, string release, DrainOptions options)
{
    /// <summary>In which <see cref="LiveServer.Health"/> names the release.</summary>
    public const string Header = "LiveSocket-Release";
    const int Answers = 20;
    /// <summary>Each question on a connection of its own: one that is kept leads to whom it has led.</summary>
    readonly HttpClient http = new(new SocketsHttpHandler { PooledConnectionLifetime = TimeSpan.Zero, AllowAutoRedirect = false })
    {
        Timeout = TimeSpan.FromSeconds(5),
        DefaultRequestHeaders = { ConnectionClose = true },
    };

    public async Task Run(TimeSpan every, CancellationToken stop)
    {
        var others = 0;
        // What was begun for the release that is there.
        Task<DrainResult>? mine = null;
        using var timer = new PeriodicTimer(every);
        try
        {
            while (await timer.WaitForNextTickAsync(stop))
            {
                // Nobody answered, or nobody who says what runs there: that tells nothing.
                if (await Ask(stop) is not { } answers) continue;
                others = answers == release ? 0 : others + 1;
                // Once: whoever takes it back wants the legs to stay, whoever is there.
                if (others >= Answers && mine is null && !drain.Refusing) mine = drain.Start(options);
                else if (others == 0 && mine is not null)
                {
                    drain.Cancel(mine);
                    mine = null;
                }
                timer.Period = others > 0 && mine is null ? every / 4 : every;
            }
        }
        // What it began goes on.
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
