// Transactions as SQL text.
#pragma once

#include <string>
#include <string_view>

#include "engine/base/result.h"
#include "scenarios/workload/workload.h"

namespace powercut::scenarios {

// Of one transaction: the request that it becomes.
std::string sql_request(std::string_view statements);

// A unit a transaction: from BEGIN to COMMIT or END, else a statement. Comments go, and lines are joined.
//   Errors: kCorrupt: the line where it is not SQL that can be run here, and why.
Result<Workload> parse_sql(std::string_view text, std::string name);

// `rows`: a table and three rows, short enough to be explored. `ledger`: transfers between accounts, an index,
// rows that need pages of their own, deletions, another table.
Workload rows_workload();
Workload ledger_workload();

}  // namespace powercut::scenarios
