// Node 20 lacks what Ink 8 needs: every test file gets it, as the screen does.
import "../src/tui/polyfill.ts";
