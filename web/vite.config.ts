import { existsSync, readFileSync } from "node:fs";
import react from "@vitejs/plugin-react";
import { defineConfig, type Plugin } from "vite";

/** What the bundle carries from other people, with their licences, as those licences ask. */
function thirdPartyNotices(): Plugin {
  const shipped = ["react", "react-dom", "scheduler", "zustand", "lightweight-charts", "fancy-canvas", "@fontsource-variable/inter"];
  return {
    name: "third-party-notices",
    apply: "build",
    generateBundle() {
      const parts = shipped.map((name) => {
        const folder = `node_modules/${name}`;
        const { version, license } = JSON.parse(readFileSync(`${folder}/package.json`, "utf8")) as { version: string; license: string };
        const text = existsSync(`${folder}/LICENSE`) ? readFileSync(`${folder}/LICENSE`, "utf8").trim() : `Licence: ${license}`;
        return `${name} ${version}\n\n${text}\n`;
      });
      parts.push("TradingView Lightweight Charts\u2122\nCopyright (c) 2025 TradingView, Inc. https://www.tradingview.com/\n");
      this.emitFile({ type: "asset", fileName: "third-party.txt", source: parts.join(`\n${"-".repeat(78)}\n\n`) });
    },
  };
}

// `npm run dev` serves the page and passes everything else to a running exchange.
const exchange = process.env["HIGHWATER_URL"] ?? "http://127.0.0.1:8080";
// The sandbox answers pages of the exchange's own origin only, and to the exchange this page is one.
const pass = { target: exchange, changeOrigin: true, headers: { origin: new URL(exchange).origin } };

export default defineConfig({
  plugins: [react(), thirdPartyNotices()],
  build: {
    target: "es2022",
    cssTarget: ["chrome123", "firefox120", "safari17.5"],
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: true,
  },
  server: {
    proxy: { "/api": pass, "/sandbox": pass, "/stream": { ...pass, ws: true }, "/ws-api": { ...pass, ws: true } },
  },
  test: { include: ["tests/**/*.test.ts"], environment: "node" },
} as Parameters<typeof defineConfig>[0]);
