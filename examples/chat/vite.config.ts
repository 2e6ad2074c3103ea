import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'

const server = 'http://localhost:8080'

export default defineConfig({
  plugins: [react()],
  // The page and its server have one origin, as behind a balancer.
  server: { proxy: { '/login': server, '/token': server, '/live': { target: server, ws: true } } },
})
