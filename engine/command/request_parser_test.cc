#include "engine/command/request_parser.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "engine/command/effects.h"

namespace powercut::engine {
namespace {

using Outcome = RequestParser::Outcome;
using Command = std::vector<std::string>;

std::vector<Command> drain(RequestParser& parser) {
  std::vector<Command> commands;
  while (parser.next() == Outcome::kCommand) {
    commands.emplace_back(parser.args().begin(), parser.args().end());
  }
  return commands;
}

std::vector<Command> parse(std::string_view bytes) {
  RequestParser parser;
  parser.feed(bytes);
  return drain(parser);
}

std::string error_of(std::string_view bytes) {
  RequestParser parser;
  parser.feed(bytes);
  drain(parser);
  return parser.error();
}

TEST(RequestParser, TakesArraysAndInlineCommands) {
  EXPECT_EQ(parse("*2\r\n$3\r\nGET\r\n$1\r\nk\r\nPING\r\n*1\r\n$0\r\n\r\n"),
            (std::vector<Command>{{"GET", "k"}, {"PING"}, {""}}));
}

TEST(RequestParser, EmptyLinesAndArraysAreNoCommands) {
  EXPECT_EQ(parse("\r\n  \n*0\r\n*-1\r\nPING\n"), (std::vector<Command>{{"PING"}}));
}

TEST(RequestParser, ValuesMayHoldAnyByte) {
  EXPECT_EQ(parse(std::string_view("*1\r\n$5\r\n\r\n\0*$\r\n", 15)),
            (std::vector<Command>{{std::string("\r\n\0*$", 5)}}));
}

TEST(RequestParser, InlineQuotes) {
  EXPECT_EQ(parse("echo \"\\x41\\n\\q\" 'a\\'b' \"\"\r\n"),
            (std::vector<Command>{{"echo", "A\nq", "a'b", ""}}));
  EXPECT_EQ(parse("echo a\"b c\"\r\n"), (std::vector<Command>{{"echo", "ab c"}}));
  EXPECT_EQ(error_of("set 'c\n"), "ERR Protocol error: unbalanced quotes in request");
  EXPECT_EQ(error_of("set \"a\"b c\n"), "ERR Protocol error: unbalanced quotes in request");
}

TEST(RequestParser, StrangersAreShort) {
  const auto said_to_stranger = [](std::string_view bytes) {
    RequestParser parser;
    parser.feed(bytes);
    while (parser.next(true) == Outcome::kCommand) {
    }
    return parser.error();
  };
  EXPECT_EQ(said_to_stranger("*3\r\n$4\r\nAUTH\r\n$1\r\nu\r\n$16384\r\n"), "");
  EXPECT_EQ(said_to_stranger("*10\r\n"), "");
  EXPECT_EQ(said_to_stranger("*11\r\n"), "ERR Protocol error: unauthenticated multibulk length");
  EXPECT_EQ(said_to_stranger("*1\r\n$16385\r\n"),
            "ERR Protocol error: unauthenticated bulk length");
  EXPECT_EQ(said_to_stranger("*1\r\n$536870913\r\n"), "ERR Protocol error: invalid bulk length");
  // Who is let in meanwhile is one no longer.
  RequestParser parser;
  parser.feed("*2\r\n$4\r\nAUTH\r\n$1\r\np\r\n*11\r\n");
  EXPECT_EQ(parser.next(true), Outcome::kCommand);
  EXPECT_EQ(parser.next(false), Outcome::kNeedMore);
}

TEST(RequestParser, ProtocolErrors) {
  EXPECT_EQ(error_of("*x\r\n"), "ERR Protocol error: invalid multibulk length");
  EXPECT_EQ(error_of("*2147483648\r\n"), "ERR Protocol error: invalid multibulk length");
  EXPECT_EQ(error_of("*2147483647\r\n"), "");
  EXPECT_EQ(error_of("*1\r\nPING\r\n"), "ERR Protocol error: expected '$', got 'P'");
  EXPECT_EQ(error_of("*1\r\n$-1\r\n"), "ERR Protocol error: invalid bulk length");
  EXPECT_EQ(error_of("*1\r\n$536870913\r\n"), "ERR Protocol error: invalid bulk length");
  EXPECT_EQ(error_of("*1\r\n$536870912\r\n"), "");
  EXPECT_EQ(error_of(std::string(65536, 'a')), "");
  EXPECT_EQ(error_of(std::string(65537, 'a')), "ERR Protocol error: too big inline request");
  EXPECT_EQ(error_of("*" + std::string(65537, '1')),
            "ERR Protocol error: too big mbulk count string");
  EXPECT_EQ(error_of("*1\r\n$" + std::string(65537, '1')),
            "ERR Protocol error: too big bulk count string");
}

TEST(RequestParser, AnErrorIsFinalAndFollowsWhatWasComplete) {
  RequestParser parser;
  parser.feed("PING\r\n*x\r\nPING\r\n");
  EXPECT_EQ(parser.next(), Outcome::kCommand);
  EXPECT_EQ(parser.next(), Outcome::kProtocolError);
  parser.feed("PING\r\n");
  EXPECT_EQ(parser.next(), Outcome::kProtocolError);
}

TEST(RequestParser, AnAnnouncedLengthReservesNothing) {
  RequestParser parser;
  parser.feed("*2147483647\r\n$536870912\r\nabc");
  EXPECT_EQ(parser.next(), Outcome::kNeedMore);
  EXPECT_LT(parser.memory_bytes(), 10'000u);
}

TEST(RequestParser, ALargeValueInPiecesTakesItsSizeAndIsGivenBack) {
  const size_t length = 8 << 20;
  RequestParser parser;
  parser.feed("*2\r\n$3\r\nGET\r\n$" + std::to_string(length) + "\r\n");
  const std::string piece(1000, 'v');
  for (size_t sent = 0; sent < length; sent += piece.size()) {
    ASSERT_EQ(parser.next(), Outcome::kNeedMore);
    parser.feed(std::string_view(piece).substr(0, length - sent));
  }
  parser.feed("\r\n");
  ASSERT_EQ(parser.next(), Outcome::kCommand);
  EXPECT_EQ(parser.args()[0], "GET");
  EXPECT_EQ(parser.args()[1], std::string(length, 'v'));
  EXPECT_LT(parser.memory_bytes(), length + 10'000);
  EXPECT_EQ(parser.next(), Outcome::kNeedMore);
  EXPECT_LT(parser.memory_bytes(), 100'000u);
  EXPECT_EQ(parser.buffered(), 0u);
}

// What the next requests seek, "key member" each.
std::vector<std::string> ahead_of(const RequestParser& parser) {
  Sought room[kFetchedAtOnce];
  std::vector<std::string> seen;
  for (const Sought& sought : parser.ahead(room))
    seen.push_back(std::string(sought.key) + " " + std::string(sought.member));
  return seen;
}

TEST(RequestParser, LooksAheadAtWholeRequests) {
  using Seen = std::vector<std::string>;
  RequestParser parser;
  EXPECT_EQ(ahead_of(parser), Seen{});
  parser.feed("*2\r\n$3\r\nGET\r\n$1\r\nk\r\n*1\r\n$4\r\nPING\r\n");
  parser.feed("*4\r\n$4\r\nHSET\r\n$1\r\nh\r\n$12\r\n123456789012\r\n$0\r\n\r\n");
  parser.feed("*2\r\n$3\r\nGET\r\n$1\r\n");
  EXPECT_EQ(ahead_of(parser), (Seen{"k ", " ", "h 123456789012"}));
  ASSERT_EQ(parser.next(), Outcome::kCommand);
  EXPECT_EQ(ahead_of(parser), (Seen{" ", "h 123456789012"}));
  EXPECT_EQ(parser.args()[1], "k");
  EXPECT_EQ(drain(parser).size(), 2u);
  EXPECT_EQ(ahead_of(parser), Seen{});  // one has begun
  parser.feed("x\r\nPING\r\n*2\r\n$3\r\nGET\r\n$1\r\ny\r\n");
  ASSERT_EQ(parser.next(), Outcome::kCommand);
  EXPECT_EQ(ahead_of(parser), Seen{});  // it does not look past what is written otherwise
  EXPECT_EQ(drain(parser).size(), 2u);
}

TEST(RequestParser, LooksNoFurtherAheadThanThereIsRoom) {
  RequestParser parser;
  for (int i = 0; i < 20; ++i) parser.feed("*2\r\n$3\r\nGET\r\n$1\r\nk\r\n");
  EXPECT_EQ(ahead_of(parser).size(), kFetchedAtOnce);
}

TEST(RequestParser, WhatComesAheadMayBeAnything) {
  for (const std::string_view bytes :
       {"*", "*1", "*1\r", "*-1\r\n", "*99999999999\r\n", "*0\r\n", "*2\r\n+OK\r\n", "*1\r\n$",
        "*1\r\n$999999999\r\nx", "*1\r\n$1\r\n", "*1\r\n$1\r\nx", "\r\n"}) {
    RequestParser parser;
    parser.feed(bytes);
    EXPECT_LE(ahead_of(parser).size(), 1u) << bytes;
  }
}

TEST(RequestParser, ManyArgumentsByteByByte) {
  const std::string many = "*300000\r\n";
  RequestParser parser;
  parser.feed(many);
  for (int i = 0; i < 300'000; ++i) {
    for (const char c : std::string_view("$1\r\na\r\n")) {
      ASSERT_EQ(parser.next(), Outcome::kNeedMore);
      parser.feed(std::string_view(&c, 1));
    }
  }
  ASSERT_EQ(parser.next(), Outcome::kCommand);
  ASSERT_EQ(parser.args().size(), 300'000u);
  EXPECT_EQ(parser.args()[0], "a");
  EXPECT_EQ(parser.args()[299'999], "a");
}

RC_GTEST_PROP(RequestParser, PiecesDoNotMatter, (std::vector<Command> commands)) {
  std::string bytes;
  std::vector<Command> expected;
  for (const Command& command : commands) {
    const std::vector<std::string_view> words(command.begin(), command.end());
    append_command(bytes, words);
    if (!command.empty()) expected.push_back(command);
    if (*rc::gen::inRange(0, 3) == 0) {
      bytes += "inline  \"a b\"\r\n";
      expected.push_back({"inline", "a b"});
    }
    if (*rc::gen::inRange(0, 5) == 0) {
      const std::string large(*rc::gen::inRange<size_t>(0, 5000), 'x');
      append_command(bytes, std::vector<std::string_view>{"SET", large});
      expected.push_back({"SET", large});
    }
  }
  RequestParser parser;
  std::vector<Command> parsed;
  for (size_t at = 0; at < bytes.size();) {
    const auto piece = *rc::gen::inRange<size_t>(1, *rc::gen::element<size_t>(2, 40, 3000));
    parser.feed(std::string_view(bytes).substr(at, piece));
    at += piece;
    if (*rc::gen::arbitrary<bool>()) continue;
    for (Command& command : drain(parser)) parsed.push_back(std::move(command));
  }
  for (Command& command : drain(parser)) parsed.push_back(std::move(command));
  RC_ASSERT(parser.error() == "");
  RC_ASSERT(parsed == expected);
  RC_ASSERT(parser.buffered() == 0u);
}

RC_GTEST_PROP(RequestParser, AnyBytesInAnyPiecesGiveTheSame, ()) {
  const auto pieces = *rc::gen::container<std::vector<std::string>>(rc::gen::element<std::string>(
      "*", "2", "\r\n", "$", "1", "a", " ", "*1\r\n$1\r\nx\r\n", "\"", "\n", "$-1\r\n", "\r"));
  std::string all;
  RequestParser in_pieces;
  std::vector<Command> parsed;
  for (const std::string& piece : pieces) {
    all += piece;
    in_pieces.feed(piece);
    for (Command& command : drain(in_pieces)) parsed.push_back(std::move(command));
  }
  RequestParser at_once;
  at_once.feed(all);
  RC_ASSERT(drain(at_once) == parsed);
  RC_ASSERT(at_once.error() == in_pieces.error());
}

}  // namespace
}  // namespace powercut::engine
