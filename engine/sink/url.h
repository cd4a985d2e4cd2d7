// Where a database is, as people say it to libpq: a URL, or words ("host=db dbname=shop").
#pragma once

#include <string>
#include <string_view>

namespace powercut::engine {

// The same for lines that others read: of each password three stars.
std::string without_password(std::string_view url);

}  // namespace powercut::engine
