import react from '@vitejs/plugin-react'
import { join } from 'node:path'
import { defineConfig } from 'vite'

/** That of the stories: the one in the root builds the library. */
const source = (path: string) => join(import.meta.dirname, '../src', path)

export default defineConfig({
  plugins: [react()],
  resolve: {
    alias: [
      { find: /^livesocket$/, replacement: source('index.ts') },
      { find: /^livesocket\/devtools\/plain$/, replacement: source('devtools/plain.ts') },
      { find: /^livesocket\/(react|testing|devtools)$/, replacement: `${source('$1')}/index.ts` },
    ],
  },
  build: { target: 'es2022', chunkSizeWarningLimit: 4_000 },
})
