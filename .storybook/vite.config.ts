import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'
import { sourceAliases } from '../build/entries.js'

/** That of the stories: the one in the root builds the library. */
export default defineConfig({
  plugins: [react()],
  resolve: { alias: sourceAliases },
  build: { target: 'es2022', chunkSizeWarningLimit: 4_000 },
})
