//! Series from tables: what is read, and what is said of what cannot be.

use std::fs;

use backdraft_data::{Calendar, SeriesColumns, Step, Time, TimeSeries, read_series};

/// Reads a table; of an error, what it says after the folder.
fn read(content: &str, columns: &SeriesColumns) -> Result<Vec<TimeSeries>, String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t.csv");
    fs::write(&path, content).unwrap();
    let found = read_series(&path, columns).map_err(|error| error.to_string());
    found.map_err(|error| error.replace(&path.display().to_string(), "t.csv"))
}

fn one(content: &str) -> TimeSeries {
    let mut all = read(content, &SeriesColumns::new()).unwrap();
    assert_eq!(all.len(), 1);
    all.remove(0)
}

fn refused(content: &str) -> String {
    read(content, &SeriesColumns::new()).unwrap_err()
}

fn told(times: &[Time]) -> Vec<String> {
    times.iter().map(Time::to_string).collect()
}

#[test]
fn years_days_months_and_minutes_are_times() {
    let years = one("\"YEAR\",\"SUNACTIVITY\"\n1700,5\n1701,11.5\n1702,1e2\n");
    assert_eq!(years.values, [Some(5.0), Some(11.5), Some(100.0)]);
    assert_eq!(years.times, [1700, 1701, 1702].map(Time::Number));
    assert_eq!((years.step, years.filled), (Some(Step::Units(1)), 0));
    assert_eq!(told(&years.times_to_come(2).unwrap()), ["1703", "1704"]);

    let kinds = [
        ("19580329", "19580405", "1958-04-12", Step::Units(7)),
        ("1958-03-29", "1958-03-30", "1958-03-31", Step::Units(1)),
        ("2023-12-01", "2024-01-01", "2024-02-01", Step::Months(1)),
        ("2023-12-31", "2024-01-31", "2024-02-29", Step::MonthEnds(1)),
        (
            "2020-02-29",
            "2021-02-28",
            "2022-02-28",
            Step::MonthEnds(12),
        ),
        ("1999-11", "1999-12", "2000-01", Step::Units(1)),
        (
            "2024-02-28 23:00",
            "2024-02-28T23:30:00Z",
            "2024-02-29 00:00",
            Step::Units(30),
        ),
        ("-5", "0", "5", Step::Units(5)),
    ];
    for (first, second, third, step) in kinds {
        let series = one(&format!("date,z\n{first},1\n{second},2\n"));
        assert_eq!(series.step, Some(step), "{first}");
        assert_eq!(told(&series.times_to_come(1).unwrap()), [third]);
    }
}

#[test]
fn the_calendar_is_that_of_a_count_of_days() {
    // Every day of 1200 years, one after the other.
    let (mut year, mut month, mut day) = (1500, 1, 1);
    let mut before: Option<Time> = None;
    let mut leap_days = 0;
    while year < 2700 {
        let now = Time::day(year, month, day).unwrap();
        assert_eq!(now.date(), Some((year, month, day)));
        assert_eq!(Time::parse(&now.to_string()), Some(now));
        if let (Some(Time::Day(before)), Time::Day(now)) = (before, now) {
            assert_eq!(now, before + 1);
        }
        leap_days += i64::from((month, day) == (2, 29));
        before = Some(now);
        (year, month, day) = if Time::day(year, month, day + 1).is_some() {
            (year, month, day + 1)
        } else if month < 12 {
            (year, month + 1, 1)
        } else {
            (year + 1, 1, 1)
        };
    }
    assert_eq!(leap_days, 1200 / 400 * 97);
    assert_eq!(Time::day(1970, 1, 1), Some(Time::Day(0)));
    // 2000-01-01 was a Saturday, 1969-12-28 a Sunday.
    assert_eq!(Time::day(2000, 1, 1).unwrap().weekday(), Some(5));
    assert_eq!(Time::day(1969, 12, 28).unwrap().weekday(), Some(6));
}

#[test]
fn what_is_no_time_is_none() {
    let wrong = [
        "",
        "x",
        "1958-",
        "1958-13",
        "19580230",
        "1900-02-29",
        "58-03-29",
        "1958-03-29 24:00",
        "1958-03-29 12:30:10",
        "1958 12:30",
        "1.5",
        "1958-+3-29",
        "9223372036854775807",
    ];
    for text in wrong {
        assert_eq!(Time::parse(text), None, "{text}");
    }
}

#[test]
fn missing_cells_and_gaps_of_the_axis_are_missing_values() {
    let series =
        one("date,co2\n19580329,316.1\n19580405,\n19580426,NaN\n19580503, na \n19580510,317.5\n");
    assert_eq!(series.step, Some(Step::Units(7)));
    assert_eq!(series.filled, 2);
    let expected = [Some(316.1), None, None, None, None, None, Some(317.5)];
    assert_eq!(series.values, expected);
    let days = told(&series.times);
    assert_eq!(days[2..5], ["1958-04-12", "1958-04-19", "1958-04-26"]);

    // More would be missing than is there: no regular axis, and nothing is put in.
    let series = one("t,z\n0,1\n1,2\n100,3\n");
    assert_eq!((series.step, series.filled), (None, 0));
    assert_eq!((series.values.len(), series.times_to_come(1)), (3, None));
    assert_eq!(one("t,z\n0,1\n").step, None);
}

#[test]
fn series_in_long_form_keep_apart() {
    let columns = SeriesColumns::new()
        .with_series("shop")
        .with_value("sold")
        .with_covariates(["price"]);
    let table = "\u{FEFF}shop,date,price,sold\n\
                 a,2024-01-01,9.5,3\nb,2024-01-02,1,7\na,2024-01-03,9,0\n\"b, too\",2024-01-01,,1\n\
                 b,2024-01-03,2,8\n";
    let all = read(table, &columns).unwrap();
    let names: Vec<_> = all
        .iter()
        .map(|series| series.name.clone().unwrap())
        .collect();
    assert_eq!(names, ["a", "b", "b, too"]);
    // Of each by itself: the only step of `a` is one of two days.
    assert_eq!(all[0].step, Some(Step::Units(2)));
    assert_eq!(all[0].values, [Some(3.0), Some(0.0)]);
    assert_eq!(all[0].covariates, [[Some(9.5)], [Some(9.0)]]);
    assert_eq!(all[1].values, [Some(7.0), Some(8.0)]);
    assert_eq!(all[2].covariates, [[None]]);

    // Steps that are put in have no covariates either.
    let columns = SeriesColumns::new().with_covariates(["c"]);
    let series = &read("t,z,c\n0,1,5\n1,2,6\n3,3,7\n", &columns).unwrap()[0];
    assert_eq!(
        series.covariates,
        [[Some(5.0)], [Some(6.0)], [None], [Some(7.0)]]
    );
}

#[test]
fn series_in_wide_form_are_columns() {
    let wide = SeriesColumns::new()
        .with_covariates(["price"])
        .in_wide_form();
    let table = "date,ulm,price,bonn\n2024-01-01,3,9,\n2024-01-03,4,8,7\n2024-01-04,,7,6\n";
    let all = read(table, &wide).unwrap();
    let names: Vec<_> = all.iter().map(|series| series.name.as_deref()).collect();
    assert_eq!(names, [Some("ulm"), Some("bonn")]);
    // A day that the table leaves out is put into both.
    assert_eq!(all[0].values, [Some(3.0), None, Some(4.0), None]);
    assert_eq!(all[1].values, [None, None, Some(7.0), Some(6.0)]);
    let prices = [[Some(9.0)], [None], [Some(8.0)], [Some(7.0)]];
    assert_eq!(all[0].covariates, prices);
    assert_eq!((&all[1].covariates, all[1].filled), (&all[0].covariates, 1));

    let twice = read(
        "date,a,a\n2024-01-01,1,2\n",
        &SeriesColumns::new().in_wide_form(),
    );
    let expected = "t.csv: line 1, column `a`: expected a name of its own for the series in each column, \
                    found `it twice`";
    assert_eq!(twice.unwrap_err(), expected);
    let none = read("date\n2024-01-01\n", &SeriesColumns::new().in_wide_form());
    assert_eq!(
        none.unwrap_err(),
        "t.csv: expected a column of values, found `date`"
    );
}

#[test]
fn a_category_is_that_of_the_whole_series() {
    let columns = SeriesColumns::new()
        .with_series("shop")
        .with_value("sold")
        .with_categories(["town", "shop"]);
    let table =
        "shop,town,date,sold\na,Ulm,2024-01-01,3\nb,Bonn,2024-01-01,7\na,Ulm,2024-01-02,4\n";
    let all = read(table, &columns).unwrap();
    assert_eq!(all[0].categories, ["Ulm", "a"]);
    assert_eq!(all[1].categories, ["Bonn", "b"]);
    let moved = format!("{table}b,Ulm,2024-01-02,5\n");
    let expected = "t.csv: line 5, column `town`: expected `Bonn`, as in line 3, since a category is the same \
                    all through a series, found `Ulm`";
    assert_eq!(read(&moved, &columns).unwrap_err(), expected);
}

#[test]
fn a_quote_without_an_end_is_told_by_its_row() {
    let expected = "t.csv: line 3: expected quotes that are closed, found one without an end";
    for cell in ["\"5", "5,\"", "\"5\n3,7"] {
        assert_eq!(
            refused(&format!("t,z\n1,2\n2,{cell}\n3,4\n")),
            expected,
            "{cell}"
        );
    }
}

#[test]
fn columns_are_found_by_name_or_by_place() {
    let values = |table: &str, columns: &SeriesColumns| {
        let series = read(table, columns).unwrap().remove(0);
        (series.times[0].to_string(), series.values[0].unwrap())
    };
    let any = SeriesColumns::new();
    assert_eq!(values("z,Date\n5,2020\n", &any), ("2020".to_string(), 5.0));
    assert_eq!(values("a,b,c\n1,2,3\n", &any), ("1".to_string(), 2.0));
    let named = any.clone().with_value("a").with_time("c");
    assert_eq!(values("a,b,c\n1,2,3\n", &named), ("3".to_string(), 1.0));
    let named = any.with_value("year");
    assert_eq!(values("year,b\n1,2\n", &named), ("2".to_string(), 1.0));
}

#[test]
fn what_is_wrong_is_told_with_file_line_and_column() {
    let time = "a year, YYYYMMDD, YYYY-MM-DD, YYYY-MM or YYYY-MM-DD HH:MM";
    let cases = [
        (
            "date,co2\n19580329,316.1\n19580405,three\n",
            "t.csv: line 3, column `co2`: expected a number or nothing, found `three`".to_string(),
        ),
        (
            "date,co2\n19580329,inf\n",
            "t.csv: line 2, column `co2`: expected a number or nothing, found `inf`".to_string(),
        ),
        (
            "date,co2\n19580230,1\n",
            format!("t.csv: line 2, column `date`: expected {time}, found `19580230`"),
        ),
        (
            "date,co2\n,1\n",
            format!("t.csv: line 2, column `date`: expected {time}, found ``"),
        ),
        (
            "year,z\n1700,1\n1701,2\n1701,3\n",
            "t.csv: line 4, column `year`: expected a time after 1701, which is in line 3, found \
             `1701`"
                .to_string(),
        ),
        (
            "year,z\n1700,1\n1700-02,2\n",
            "t.csv: line 3, column `year`: expected a time written as 1700 is, found `1700-02`"
                .to_string(),
        ),
        (
            "year,z\n1700,1\n1701\n",
            "t.csv: line 3: expected 2 cells, found 1".to_string(),
        ),
        (
            "year,z\n1700,1,000\n",
            "t.csv: line 2: expected 2 cells, found 3".to_string(),
        ),
        (
            "year\n1700\n",
            "t.csv: expected a column of values, found `year`".to_string(),
        ),
        (
            "",
            "t.csv: expected text, found none: an empty file".to_string(),
        ),
        (
            "\n\n",
            "t.csv: expected text, found none: an empty file".to_string(),
        ),
        (
            "year,z\n",
            "t.csv: expected text, found none: a table without rows".to_string(),
        ),
    ];
    for (table, expected) in cases {
        assert_eq!(refused(table), expected);
    }
    let columns = SeriesColumns::new().with_covariates(["price"]);
    let expected = "t.csv: expected a column `price`, found `year`, `z`";
    assert_eq!(read("year,z\n1700,1\n", &columns).unwrap_err(), expected);

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t.csv");
    fs::write(&path, b"year,z\n1700,\xff\n").unwrap();
    let error = read_series(&path, &SeriesColumns::new()).unwrap_err();
    let error = error.to_string();
    assert!(
        error.ends_with("found the byte 0xff at offset 12 (line 2)"),
        "{error}"
    );
    let error = read_series(folder.path().join("none"), &SeriesColumns::new()).unwrap_err();
    assert!(error.to_string().starts_with("cannot read "), "{error}");
}

#[test]
fn lines_are_those_that_an_editor_counts() {
    let said = |table: &str, line: u64| {
        let expected = format!("t.csv: line {line}, column `z`: expected a number");
        let error = refused(table);
        assert!(error.starts_with(&expected), "{error}");
    };
    said("t,z\r\n1,2\r\n2,x\r\n", 3);
    said("t,z\n\n\n1,2\n\n2,x", 6);
    said("t,z\r\n\r\n1,x\r\n", 3);
    said("t,z,\"two\nlines\"\n1,2,3\n2,x,\"\n\"\n", 4);
    said("\u{FEFF}t,z\n1,2\n2,x\n", 3);
}

#[test]
fn the_calendar_tells_features() {
    let series = one("date,z\n2024-01-01,1\n2024-07-01,2\n");
    let kinds = [Calendar::Year, Calendar::Month, Calendar::Weekday];
    let features = series.calendar(&kinds).unwrap();
    assert_eq!(features.len(), series.times.len());
    let (january, july) = (&features[0], features.last().unwrap());
    assert_eq!(january.len(), 2 + 12 + 7);
    assert_eq!(january[..3], [0.0, 1.0, 1.0]);
    // Both were Mondays; of 366 days, 182 were over.
    let angle = std::f64::consts::TAU * 182.0 / 366.0;
    assert!((july[0] - angle.sin()).abs() < 1e-12 && (july[1] - angle.cos()).abs() < 1e-12);
    assert_eq!(july[2 + 6], 1.0);
    for row in [january, july] {
        assert_eq!(row[14], 1.0);
        assert_eq!(row[2..].iter().sum::<f64>(), 2.0);
    }

    let years = one("year,z\n1700,1\n1701,2\n");
    let error = years.calendar(&[Calendar::Year]).unwrap_err().to_string();
    let expected = "the times that calendar features are of: expected months or days, found 1700";
    assert_eq!(error, expected);
}
