import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'
import { sourceAliases } from '../build/entries.js'

/** The configuration of the stories. The one in the root folder builds the library. */
export default defineConfig({
  plugins: [react()],
  resolve: { alias: sourceAliases },
  build: { target: 'es2022', chunkSizeWarningLimit: 4_000 },
})
