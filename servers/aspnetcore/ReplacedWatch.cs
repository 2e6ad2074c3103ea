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
        var mine = false;
        using var timer = new PeriodicTimer(every);
        try
        {
            while (await timer.WaitForNextTickAsync(stop))
            {
                // Nobody answered, or nobody who says what runs there: that tells nothing.
                if (await Ask(stop) is not { } answers) continue;
                others = answers == release ? 0 : others + 1;
                if (others >= Answers && !drain.Refusing)
                {
                    mine = true;
                    _ = drain.Start(options);
                }
                else if (others == 0 && mine)
                {
                    mine = false;
                    drain.Cancel();
                }
                timer.Period = others > 0 && !mine ? every / 4 : every;
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
