// SPDX-License-Identifier: MIT
// All tests of the page's logic, in one process.
import "./paths.js";
import "./values.js";
import "./tree.js";
import "./calls.js";
import "./files.js";
import "./search.js";
