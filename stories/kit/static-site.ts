import { preview } from 'vite'

/** Serves a built Storybook on a free port of this machine. */
export async function serveStories(
  folder: string,
): Promise<{ story(id: string, args?: string): string; close(): Promise<void> }> {
  const server = await preview({
    configFile: false,
    logLevel: 'silent',
    root: folder,
    build: { outDir: '.' },
    preview: { port: 0, host: '127.0.0.1' },
  })
  const address = server.resolvedUrls!.local[0]!
  return {
    story: (id, args = '') => `${address}iframe.html?id=${id}&viewMode=story${args}`,
    close: () => server.close(),
  }
}
